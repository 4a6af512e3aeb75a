package import Statistics

/// An update that is durable at the coordinator and verified for all that can be seen of it alone.
package struct ReceivedUpdate: Codable, Sendable, Equatable {
    package var site: String
    package var update: ObjectReference
    package var encoding: UpdateEncoding
    package var samples: Int
    package var steps: Int
    package var loss: Double?
    /// As ``UpdateHeader/lacking``.
    package var lacking: [String]?
    /// L2 of the whole delta.
    package var norm: Double
    package var software: String

    package init(_ header: UpdateHeader, norm: Double) {
        site = header.site
        update = header.update
        encoding = header.encoding
        samples = header.samples
        steps = header.steps
        loss = header.loss
        lacking = header.lacking
        software = header.software
        self.norm = norm
    }
}

/// What the fold made of an update.
package struct FoldVerdict: Codable, Sendable, Equatable {
    package var site: String
    package var update: String
    /// `accepted`, `clipped` or `rejected`.
    package var outcome: Verdict.Outcome
    /// What the delta was multiplied by before its weight; 1 unless clipped, 0 when rejected.
    package var factor: Double
    package var weight: Int
    /// One sentence.
    package var reason: String

    package init(
        site: String, update: String, outcome: Verdict.Outcome, factor: Double, weight: Int, reason: String
    ) {
        self.site = site
        self.update = update
        self.outcome = outcome
        self.factor = factor
        self.weight = weight
        self.reason = reason
    }
}

/// What the reports on a candidate say together.
package struct Judgement: Codable, Sendable, Equatable {
    /// Candidate − base of the gate's metric, with its 95 % bounds.
    package struct Change: Codable, Sendable, Equatable {
        package var value: Double
        package var lower: Double
        package var upper: Double

        package init(value: Double, lower: Double, upper: Double) {
            self.value = value
            self.lower = lower
            self.upper = upper
        }
    }

    /// A site at which the candidate is worse, whatever the whole says.
    package struct Alarm: Codable, Sendable, Equatable {
        package var site: String
        package var change: Change

        package init(site: String, change: Change) {
            self.site = site
            self.change = change
        }
    }

    /// Combined over sites; nil when no report holds enough cases of both classes, or there is no candidate.
    package var change: Change?
    package var alarms: [Alarm]
    /// For people and reports, site-stratified first.
    package var figures: [ReleaseCard.Figure]
    /// The candidate's threshold, of two classes where sites have enough cases.
    package var point: OperatingPoint?
    /// What the sites' training cases are to the candidate, together.
    package var familiarity: Familiarity?

    package init(
        change: Change?, alarms: [Alarm] = [], figures: [ReleaseCard.Figure] = [], point: OperatingPoint? = nil,
        familiarity: Familiarity? = nil
    ) {
        self.change = change
        self.alarms = alarms
        self.figures = figures
        self.point = point
        self.familiarity = familiarity
    }
}

/// What the gate said to a candidate, and why.
package struct GateDecision: Codable, Sendable, Equatable {
    package enum Outcome: String, Codable, Sendable { case commit, hold }

    package var outcome: Outcome
    /// Sentences.
    package var reasons: [String]
    /// Nil when nobody evaluates.
    package var judgement: Judgement?

    package init(outcome: Outcome, reasons: [String], judgement: Judgement?) {
        self.outcome = outcome
        self.reasons = reasons
        self.judgement = judgement
    }
}
