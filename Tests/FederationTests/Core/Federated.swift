import Federation

/// A federation with sites that consented to a study, whose signatures cost nothing; for tests of the state.
struct Federated {
    static let key = String(repeating: "c", count: 64)
    static let model = ObjectReference(digest: hexDigest("model"), bytes: 1000)

    var state = FederationState()
    var events: [Event] = []
    var now = Timestamp(milliseconds: 1_800_000_000_000)

    /// - Parameter lines: of the plan, beside the least there must be.
    init(sites: Int = 3, plan lines: [String] = [], started: Bool = true) throws {
        try perform(.createFederation(name: "north", coordinatorKey: Self.key, rootKey: Self.key))
        for index in 1...sites { try enrol("site-\(index)") }
        try perform(.createStudy(text: Self.plan(lines)))
        try perform(.initialModelMade(study: "tumour", model: Self.model))
        for index in 1...sites { try consent("site-\(index)") }
        if started { try perform(.startStudy(study: "tumour")) }
    }

    static func plan(_ lines: [String]) -> String {
        let given = Set(lines.compactMap { $0.split(separator: ":").first })
        let least = [
            "name: tumour", "task: tumour", "classes: [no, yes]", "initial: {preset: small}", "rounds: 3",
            "governance: {purpose: a test, data_declared: synthetic}",
        ]
        let kept = least.filter { !given.contains($0.split(separator: ":")[0]) }
        return (kept + lines).joined(separator: "\n") + "\n"
    }

    @discardableResult
    mutating func perform(_ command: Command) throws(Problem) -> [Event] {
        let decided = try state.decided(command, at: now, signatures: SimulatedSignatures.check)
        state = decided.state
        events += decided.events
        return decided.events
    }

    var study: Study {
        get throws {
            guard let study = state.studies["tumour"] else { throw Missing() }
            return study
        }
    }

    var round: Round {
        get throws {
            guard let round = try study.rounds.last else { throw Missing() }
            return round
        }
    }

    mutating func enrol(_ site: String) throws {
        try perform(.issueCode(site: site, expires: now))
        try perform(
            .requestEnrolment(site: site, publicKey: hexDigest("tls \(site)"), signingKey: hexDigest("key \(site)")))
        try perform(.approveSite(site: site, publicKey: hexDigest("tls \(site)")))
    }

    mutating func consent(_ site: String, agrees: Bool = true) throws {
        let consent = Consent(
            federation: "north", site: site, study: "tumour", plan: try study.planDigest, agrees: agrees)
        try perform(.consent(sign(consent, site), from: site))
    }

    func sign<Body: Message>(_ body: Body, _ site: String) throws -> Signed<Body> {
        let key = hexDigest("key \(site)")
        return Signed(
            text: try MessageCoding.encode(body), signature: SimulatedSignatures.signature(Body.domain, key),
            signer: key)
    }

    func header(_ site: String, _ change: (inout UpdateHeader) -> Void = { _ in }) throws -> Signed<UpdateHeader> {
        let round = try round
        var header = UpdateHeader(
            federation: "north", site: site, round: round.reference, plan: round.plan, base: round.base.digest,
            update: ObjectReference(digest: hexDigest("update \(site) \(round.reference)"), bytes: 900),
            encoding: .f32, samples: 50, steps: 10, loss: 0.5, software: "test")
        change(&header)
        return try sign(header, site)
    }

    @discardableResult
    mutating func send(_ site: String, norm: Double = 1) throws -> [Event] {
        try perform(.receive(try header(site), from: site, norm: norm))
    }

    mutating func decline(_ site: String, _ kind: Assignment.Kind = .train) throws {
        let refusal = Refusal(
            federation: "north", site: site, round: try round.reference, kind: kind, reason: .cases,
            detail: "too few cases")
        try perform(.decline(try sign(refusal, site), from: site))
    }

    /// Folds what is to be folded, all accepted but those named.
    @discardableResult
    mutating func fold(rejecting rejected: [String] = []) throws -> [Event] {
        guard case .fold(let work) = state.pendingWork.first else { throw Missing() }
        let verdicts = work.inputs.map { input in
            let isRejected = rejected.contains(input.site)
            return FoldVerdict(
                site: input.site, update: input.update.digest, outcome: isRejected ? .rejected : .accepted,
                factor: isRejected ? 0 : 1, weight: input.weight, reason: "a test")
        }
        let counts = rejected.count < verdicts.count
        let candidate = ObjectReference(digest: hexDigest("candidate \(work.round)"), bytes: 1000)
        return try perform(.folded(round: work.round, verdicts: verdicts, candidate: counts ? candidate : nil))
    }

    @discardableResult
    mutating func report(_ site: String) throws -> [Event] {
        let round = try round
        let models = [round.base] + (round.candidate.map { [$0] } ?? [])
        let report = EvaluationReport(
            federation: "north", site: site, round: round.reference, plan: round.plan, cases: [30, 30],
            models: models.map { EvaluationReport.Scores(model: $0.digest, loss: 0.5, correct: 40, histograms: []) },
            software: "test")
        let object = ObjectReference(digest: hexDigest("report \(site) \(round.reference)"), bytes: 100)
        return try perform(.report(try sign(report, site), from: site, object: object))
    }

    @discardableResult
    mutating func judge(_ value: Double, half: Double = 0.01) throws -> [Event] {
        let change = Judgement.Change(value: value, lower: value - half, upper: value + half)
        return try perform(.judged(round: try round.reference, Judgement(change: change)))
    }

    /// A whole round of all sites of the study.
    mutating func wholeRound(change: Double = 0.01) throws {
        let sites = try round.sites
        for site in sites { try send(site) }
        try fold()
        for site in sites { try report(site) }
        try judge(change)
    }

    struct Missing: Error {}
}
