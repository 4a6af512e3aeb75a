import Federation

/// A mistake planted to see the simulation find it.
enum PlantedFault: CaseIterable {
    case none
    /// Answers before the rows are durable.
    case earlyReceipt
    /// Counts bytes as durable that are only written.
    case earlyOffset
    /// Forgets at a restart which sites were revoked.
    case forgetsRevocation
    /// Folds what is there instead of what was to be folded.
    case foldsWhatIsThere
    /// Opens a round from the model before the last.
    case branches
    /// Deletes updates as soon as they are folded.
    case deletesEarly
    /// Never looks for work after a restart.
    case forgetsWork
    /// When the disk is full, keeps the first row of a transaction and not the rest.
    case tearsTransactions
}

/// A service around the real state: it decides, makes durable, answers, and works on what is pending.
struct SimulatedCoordinator {
    struct Crash: Error {}

    static let key = String(repeating: "c", count: 64)
    static let signatures = SimulatedSignatures.check

    var fault = PlantedFault.none
    var state = FederationState()
    var store = SimulatedStore()
    var isUp = true
    /// Work that is being done, and is not begun twice.
    var working: [Work] = []
    /// Chance of a crash at each point where one matters.
    var fragility = 0.0
    /// Chance that the disk takes nothing, each time something is written.
    var fullness = 0.0
    var now = Timestamp(milliseconds: 0)
    /// Rows that became durable since the world looked.
    var fresh: [SimulatedStore.Row] = []
    /// With the fault `earlyReceipt`: rows that are told of and not durable.
    private var told = 0

    private func point(_ random: inout SeededGenerator) throws(Crash) {
        if fragility > 0, random.chance(fragility) { throw Crash() }
    }

    private static let full = Problem(.diskFull, "The disk is full.")

    private func isFull(_ random: inout SeededGenerator) -> Bool { fullness > 0 && random.chance(fullness) }

    /// - Returns: the problem, if it is refused.
    mutating func perform(_ command: Command, _ random: inout SeededGenerator) throws(Crash) -> Problem? {
        let decided: (events: [Event], state: FederationState)
        do throws(Problem) {
            decided = try state.decided(command, at: now, signatures: Self.signatures)
        } catch { return error }
        guard !decided.events.isEmpty else { return nil }
        try point(&random)
        if isFull(&random) {
            if fault == .tearsTransactions, decided.events.count > 1 {
                store.append(Array(decided.events.prefix(1)), at: now)
                fresh += store.sync()
            }
            return Self.full
        }
        store.append(decided.events.map(planted), at: now)
        if fault == .earlyReceipt, told < 3 {
            told += 1
            state = decided.state
            return nil
        }
        told = 0
        try point(&random)
        fresh += store.sync()
        state = decided.state
        try point(&random)
        return nil
    }

    private func planted(_ event: Event) -> Event {
        guard fault == .branches, case .roundOpened(let round, let plan, _, let sites, let step) = event,
            round.round > 1, let initial = state.studies[round.study]?.initial
        else { return event }
        return .roundOpened(round: round, plan: plan, base: initial, sites: sites, globalStep: step)
    }

    mutating func crash() {
        isUp = false
        working = []
        store.crash()
    }

    /// - Throws: when the durable rows are no history.
    mutating func restart() throws(TranscriptError) {
        state = FederationState()
        for row in store.rows {
            if fault == .forgetsRevocation, case .siteRevoked = row.event { continue }
            if fault == .forgetsRevocation, case .siteLeft = row.event { continue }
            try state.apply(row.event, at: row.time)
        }
        isUp = true
    }

    // MARK: Requests

    mutating func answer(
        _ request: SimulatedSite.Request, from site: String, _ random: inout SeededGenerator
    ) throws(Crash) -> SimulatedSite.Answer {
        switch request {
        case .poll:
            guard state.signingKey(of: site) != nil else { return .problem(Problem(.forbidden, "not let in")) }
            return .work(offers: state.offers(for: site), assignments: state.assignments(for: site))
        case .consent(let consent): return try answer(.consent(consent, from: site), &random)
        case .refusal(let refusal): return try answer(.decline(refusal, from: site), &random)
        case .report(let report):
            let object = ObjectReference(digest: hexDigest(report.text), bytes: report.text.utf8.count)
            store.write(object: object.digest)
            return try answer(.report(report, from: site, object: object), &random)
        case .open(let header): return try upload(header, from: site, nil, &random)
        case .piece(let header, let offset, let count): return try upload(header, from: site, (offset, count), &random)
        }
    }

    private mutating func answer(
        _ command: Command, _ random: inout SeededGenerator
    ) throws(Crash) -> SimulatedSite.Answer {
        try perform(command, &random).map { .problem($0) } ?? .done
    }

    private mutating func upload(
        _ header: Signed<UpdateHeader>, from site: String, _ piece: (offset: Int, count: Int)?,
        _ random: inout SeededGenerator
    ) throws(Crash) -> SimulatedSite.Answer {
        let body: UpdateHeader
        do throws(Problem) {
            switch try state.admit(header, from: site, signatures: Self.signatures) {
            case .received(let receipt): return .upload(receipt.round, offset: receipt.update.bytes, receipt: receipt)
            case .wanted(let wanted, _, _): body = wanted
            }
        } catch { return .problem(error) }
        let name = Invariants.key(body.round, site) + " " + body.update.digest
        if let piece {
            guard piece.offset == store.written(upload: name) else {
                return .upload(body.round, offset: store.uploads[name] ?? 0, receipt: nil)
            }
            if isFull(&random) { return .problem(Self.full) }
            store.write(upload: name, upTo: piece.offset + piece.count)
            try point(&random)
            if fault == .earlyOffset, piece.offset + piece.count == body.update.bytes {
                store.write(object: body.update.digest)
                let problem = try perform(.receive(header, from: site, norm: 1), &random)
                store.delete(object: body.update.digest)
                if let problem { return .problem(problem) }
            } else {
                fresh += store.sync()
            }
            try point(&random)
        }
        if store.written(upload: name) == body.update.bytes {
            store.write(object: body.update.digest)
            if let problem = try perform(.receive(header, from: site, norm: 1), &random) { return .problem(problem) }
        }
        return .upload(
            body.round, offset: store.uploads[name] ?? 0, receipt: state.receipt(for: body.round, site: site))
    }

    // MARK: Work

    /// Work that is not begun yet.
    mutating func begin() -> [Work] {
        let fresh = state.pendingWork.filter { !working.contains($0) }
        working += fresh
        return fresh
    }

    mutating func finish(_ work: Work, _ random: inout SeededGenerator) throws(Crash) {
        working.removeAll { $0 == work }
        try point(&random)
        switch work {
        case .makeInitialModel(let study, _):
            let model = ObjectReference(digest: hexDigest("initial \(study)"), bytes: SimulatedSite.bytes)
            store.write(object: model.digest)
            _ = try perform(.initialModelMade(study: study, model: model), &random)
        case .fold(var fold):
            if fault == .foldsWhatIsThere, fold.inputs.count > 2 { fold.inputs.removeLast() }
            let verdicts = SimulatedFold.verdicts(fold)
            let counts = verdicts.contains { $0.outcome != .rejected }
            let candidate = ObjectReference(
                digest: SimulatedFold.digest(base: fold.base.digest, verdicts), bytes: SimulatedSite.bytes)
            if counts { store.write(object: candidate.digest) }
            var told = verdicts
            if fault == .foldsWhatIsThere, case .fold(let whole) = work { told = SimulatedFold.verdicts(whole) }
            _ = try perform(
                .folded(round: fold.round, verdicts: told, candidate: counts ? candidate : nil), &random)
            if fault == .deletesEarly { for input in fold.inputs { store.delete(object: input.update.digest) } }
        case .evaluate(let evaluation):
            let report = ObjectReference(digest: hexDigest("evaluation \(evaluation.round)"), bytes: 10)
            store.write(object: report.digest)
            _ = try perform(.coordinatorEvaluated(round: evaluation.round, report: report, problem: nil), &random)
        case .judge(let judge):
            let die = Int(judge.candidate?.digest.utf8.first ?? 0)
            let value = Double(die % 5) / 20 - 0.1
            let change = Judgement.Change(value: value, lower: value - 0.02, upper: value + 0.02)
            _ = try perform(.judged(round: judge.round, Judgement(change: change)), &random)
        case .delete(let deletion):
            for file in deletion.files { store.delete(object: file) }
            try point(&random)
            _ = try perform(.deleted(round: deletion.round, objects: deletion.objects), &random)
        }
    }
}
