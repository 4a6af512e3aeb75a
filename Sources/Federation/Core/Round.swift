/// One attempt of a round.
package struct Round: Sendable, Equatable {
    package enum Phase: String, Codable, Sendable, CaseIterable {
        /// Sites train and send.
        case collecting
        case folding
        /// Sites, and perhaps the coordinator, evaluate.
        case evaluating
        /// Reports are combined.
        case judging
        case committed
        /// The candidate was held back: the base stays in force.
        case held
        case failed

        package var isOpen: Bool {
            switch self {
            case .collecting, .folding, .evaluating, .judging: true
            case .committed, .held, .failed: false
            }
        }
    }

    package struct Declined: Sendable, Equatable {
        package var reason: Refusal.Reason
        package var detail: String
    }

    package struct Update: Sendable, Equatable {
        package var received: ReceivedUpdate
        package var at: Timestamp
    }

    package struct Report: Sendable, Equatable {
        package var object: ObjectReference
        package var cases: [Int]
    }

    package struct CoordinatorReport: Sendable, Equatable {
        package var object: ObjectReference?
        package var problem: String?
    }

    package var reference: RoundReference
    package var plan: String
    package var base: ObjectReference
    package var globalStep: Int
    package var phase: Phase
    package var opened: Timestamp
    package var ended: Timestamp?
    /// Sites asked in the present phase, sorted.
    package var sites: [String]
    /// By site, of the present phase.
    package var declined: [String: Declined]
    package var deadlinePassed: Bool
    package var extensions: Int
    /// By site.
    package var updates: [String: Update]
    /// Updates of sites that left before the fold: not folded, to be deleted with the others.
    package var withdrawn: [Update]
    /// Sites whose updates are being folded, sorted.
    package var folding: [String]
    package var verdicts: [FoldVerdict]
    package var candidate: ObjectReference?
    /// By site.
    package var reports: [String: Report]
    package var coordinator: CoordinatorReport?
    /// Sites whose reports are being combined, sorted.
    package var judging: [String]
    package var gate: GateDecision?
    package var failure: String?
    /// Updates and models of the round that were deleted.
    package var deleted: [String]

    package init(
        reference: RoundReference, plan: String, base: ObjectReference, globalStep: Int, opened: Timestamp,
        sites: [String]
    ) {
        self.reference = reference
        self.plan = plan
        self.base = base
        self.globalStep = globalStep
        phase = .collecting
        self.opened = opened
        self.sites = sites
        declined = [:]
        deadlinePassed = false
        extensions = 0
        updates = [:]
        withdrawn = []
        folding = []
        verdicts = []
        reports = [:]
        judging = []
        deleted = []
    }

    /// Updates that the fold took, in the order of sites; all of them before it.
    package var counted: [ReceivedUpdate] {
        let taken = verdicts.isEmpty ? Set(updates.keys) : Set(verdicts.filter(\.counts).map(\.site))
        return updates.sorted { $0.key < $1.key }.filter { taken.contains($0.key) }.map(\.value.received)
    }
}
