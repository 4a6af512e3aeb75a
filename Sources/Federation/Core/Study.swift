/// A study and its rounds.
package struct Study: Sendable, Equatable {
    package enum Standing: String, Codable, Sendable {
        /// Sites may consent; no round is open.
        case draft
        case running
        case paused
        case finished
        case aborted

        package var isOver: Bool { self == .finished || self == .aborted }
    }

    package struct SiteConsent: Sendable, Equatable {
        /// Digest of the plan it is about.
        package var plan: String
        package var agrees: Bool
        package var reason: String?
        package var at: Timestamp
    }

    /// Tests on the locked set, and what else operators evaluated.
    package struct OperatorEvaluation: Sendable, Equatable {
        package var model: String
        package var set: String
        package var figures: [ReleaseCard.Figure]
        package var at: Timestamp
    }

    package var name: String
    package var standing: Standing
    package var plan: StudyPlan
    package var planText: String
    package var planDigest: String
    /// 1 for the first, rising with each amendment.
    package var planVersion: Int
    /// Plans of rounds that were opened before an amendment, by digest.
    package var formerPlans: [String: StudyPlan]
    package var created: Timestamp
    /// By site.
    package var consents: [String: SiteConsent]
    package var initial: ObjectReference?
    /// The model in force.
    package var base: ObjectReference?
    /// Every attempt, in order.
    package var rounds: [Round]
    /// Indices of attempts whose objects are not all deleted.
    package var kept: [Int]
    package var globalStep: Int
    /// Rounds that were committed or held.
    package var completed: Int
    package var purged: Bool
    package var lockedTestOpenings: Int
    package var evaluations: [OperatorEvaluation]
    /// Why it is paused or was aborted.
    package var reason: String?

    package init(name: String, plan: StudyPlan, planText: String, planDigest: String, created: Timestamp) {
        self.name = name
        standing = .draft
        self.plan = plan
        self.planText = planText
        self.planDigest = planDigest
        planVersion = 1
        formerPlans = [:]
        self.created = created
        consents = [:]
        rounds = []
        kept = []
        globalStep = 0
        completed = 0
        purged = false
        lockedTestOpenings = 0
        evaluations = []
    }

    /// The attempt that is open.
    package var openRound: Round? { rounds.last.flatMap { $0.phase.isOpen ? $0 : nil } }

    /// The plan an attempt was opened under.
    package func plan(of round: Round) -> StudyPlan { formerPlans[round.plan] ?? plan }

    /// An attempt, open or over.
    package func round(_ reference: RoundReference) -> Round? { rounds.last { $0.reference == reference } }

    /// Whether a site agreed to the plan as it now stands.
    package func hasConsent(of site: String) -> Bool {
        consents[site].map { $0.agrees && $0.plan == planDigest } ?? false
    }

    /// Contrasts of the plan that hardly any training case had at any site that trained, in the plan's order: the model
    /// learns little of them.
    /// - Parameter rounds: some of its rounds; what is still being collected says nothing yet.
    package func lacking(in rounds: [Round]) -> [String] {
        let updates = rounds.filter { $0.phase != .collecting }.flatMap(\.counted)
        guard !updates.isEmpty else { return [] }
        return plan.contrasts.filter { contrast in updates.allSatisfy { $0.lacking?.contains(contrast) == true } }
    }
}
