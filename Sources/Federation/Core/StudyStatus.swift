/// How a study stands, for `study status`, `study watch` and reports.
package struct StudyStatus: Codable, Sendable, Equatable {
    package struct SiteStatus: Codable, Sendable, Equatable {
        package var site: String
        package var standing: StudyOffer.Standing
        /// Of the open round: `awaited`, `received`, `declined`, `reported`, or nil when it is not asked.
        package var progress: String?
        package var samples: Int?
        /// Why it declined or refused.
        package var detail: String?

        init(site: String, standing: StudyOffer.Standing) {
            self.site = site
            self.standing = standing
        }
    }

    package var name: String
    package var kind: StudyPlan.Kind
    package var task: String
    package var standing: Study.Standing
    package var plan: String
    package var planVersion: Int
    /// The round that is open, or was last; 0 before the first.
    package var round: Int
    package var rounds: Int
    package var attempt: Int
    package var phase: Round.Phase?
    /// What it waits for, one sentence.
    package var waitsFor: String
    package var sites: [SiteStatus]
    /// Contrasts of the plan that hardly any training case has at any site.
    package var lacking: [String]
    package var base: ObjectReference?
    package var history: [RoundSummary]
    /// As ``FederationState/lockedTestOpenings(of:)``.
    package var lockedTestOpenings: Int
    /// Why it is paused or was aborted.
    package var reason: String?
}

/// One attempt of a round, for a table.
package struct RoundSummary: Codable, Sendable, Equatable {
    package struct Contribution: Codable, Sendable, Equatable {
        package var site: String
        package var samples: Int
        package var bytes: Int
        package var norm: Double
        package var loss: Double?
        /// Once folded.
        package var outcome: Verdict.Outcome?
    }

    package var reference: RoundReference
    package var phase: Round.Phase
    package var opened: Timestamp
    package var ended: Timestamp?
    package var asked: [String]
    package var contributions: [Contribution]
    package var base: String
    package var candidate: ObjectReference?
    package var gate: GateDecision?
    package var failure: String?
}
