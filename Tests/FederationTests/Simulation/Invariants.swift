import Federation

/// What must hold of every history, judged from the durable rows alone and from what sites know to be true of
/// themselves.
struct Invariants {
    struct Violation: Error, CustomStringConvertible {
        var description: String
        init(_ description: String) { self.description = description }
    }

    private var active: Set<String> = []
    private var model: [String: String] = [:]
    private var committed: [String: String] = [:]
    private var received: [RoundReference: [String: String]] = [:]
    private var deleted: Set<String> = []
    private var folding: [RoundReference: [String]] = [:]
    private var candidates: [RoundReference: String] = [:]
    /// Updates as the sites made them: digest by site and round.
    var made: [String: String] = [:]

    static func key(_ round: RoundReference, _ site: String) -> String {
        "\(round.study).\(round.round).\(round.attempt) \(site)"
    }

    mutating func observe(_ event: Event) throws(Violation) {
        switch event {
        case .siteApproved(let site, _, _): active.insert(site)
        case .siteRevoked(let site, _): active.remove(site)
        case .initialModelMade(let study, let initial): model[study] = initial.digest
        case .roundOpened(let round, _, let base, _, _):
            guard model[round.study] == base.digest else {
                throw Violation("I5: \(round) begins from a model that is not in force")
            }
        case .updateReceived(let round, let update, _):
            guard active.contains(update.site) else {
                throw Violation("I4: \(update.site) is revoked and was received")
            }
            guard received[round]?[update.site] == nil else {
                throw Violation("I2: two updates of \(update.site) were received in \(round)")
            }
            guard made[Self.key(round, update.site)] == update.update.digest else {
                throw Violation("I2: \(update.site) never made what was received in \(round)")
            }
            received[round, default: [:]][update.site] = update.update.digest
        case .siteLeft(let round, let site, _):
            if candidates[round] == nil {
                received[round]?[site] = nil
                folding[round]?.removeAll { $0 == site }
            }
        case .foldStarted(let round, let sites): folding[round] = sites
        case .folded(let round, let verdicts, let candidate):
            let recorded = received[round] ?? [:]
            guard verdicts.map(\.site) == folding[round], verdicts.allSatisfy({ recorded[$0.site] == $0.update }) else {
                throw Violation("I2: \(round) folded what was not recorded")
            }
            guard verdicts.allSatisfy({ active.contains($0.site) }) else {
                throw Violation("I4: \(round) folded the update of a revoked site")
            }
            let base = model[round.study] ?? ""
            if let candidate {
                guard candidate.digest == SimulatedFold.digest(base: base, verdicts) else {
                    throw Violation("I2: the candidate of \(round) is not the fold of what was recorded")
                }
                candidates[round] = candidate.digest
            }
        case .roundCommitted(let round, let committedModel):
            let name = "\(round.study).\(round.round)"
            guard committed[name] == nil else { throw Violation("I1: \(name) was committed twice") }
            guard candidates[round] == committedModel.digest || model[round.study] == committedModel.digest else {
                throw Violation("I5: \(round) commits a model that was not folded")
            }
            committed[name] = committedModel.digest
            model[round.study] = committedModel.digest
        case .updatesDeleted(_, let objects): deleted.formUnion(objects)
        default: break
        }
    }

    /// That what sites hold receipts for is recorded, and there until it is deleted on record.
    func judge(_ receipts: [Receipt], objects: Set<String>, state: FederationState) throws(Violation) {
        for receipt in receipts {
            let round = state.studies[receipt.round.study]?.round(receipt.round)
            let there = (round.map { Array($0.updates.values) + $0.withdrawn } ?? []).contains {
                $0.received.site == receipt.site && $0.received.update == receipt.update
            }
            guard there else { throw Violation("I3: the update of \(receipt.site) in \(receipt.round) was lost") }
            guard objects.contains(receipt.update.digest) || deleted.contains(receipt.update.digest) else {
                throw Violation("I3: the bytes of \(receipt.site) in \(receipt.round) were lost")
            }
        }
        if let base = model.first(where: { !objects.contains($0.value) }) {
            throw Violation("I3: the model in force of \(base.key) was lost")
        }
    }
}
