import Cryptography
import Federation

/// An agent: what it holds on disk, and what it knows until it crashes.
struct SimulatedSite {
    enum Request {
        case poll
        case consent(Signed<Consent>)
        case open(Signed<UpdateHeader>)
        case piece(Signed<UpdateHeader>, offset: Int, count: Int)
        case report(Signed<EvaluationReport>)
        case refusal(Signed<Refusal>)
    }

    enum Answer {
        case work(offers: [Offer], assignments: [Assignment])
        case upload(RoundReference, offset: Int, receipt: Receipt?)
        case problem(Problem)
        case done
    }

    static let bytes = 24
    static let piece = 8

    let name: String
    var key: String { String(repeating: "0", count: 60) + "5e" + String(name.suffix(2)) }

    // Durable.
    var updates: [RoundReference: Signed<UpdateHeader>] = [:]
    var receipts: [Receipt] = []
    /// Digests of the updates it made, for those who judge: by round.
    var made: [RoundReference: String] = [:]

    // Forgotten at a crash.
    var offers: [Offer] = []
    var assignments: [Assignment] = []
    var trained = 0
    var offset: Int?

    init(name: String) { self.name = name }

    mutating func crash() {
        offers = []
        assignments = []
        trained = 0
        offset = nil
    }

    func sign<Body: Message>(_ body: Body) -> Signed<Body> {
        let text = (try? MessageCoding.encode(body)) ?? ""
        return Signed(text: text, signature: SimulatedSignatures.signature(Body.domain, key), signer: key)
    }

    mutating func take(_ answer: Answer) {
        switch answer {
        case .work(let offers, let assignments):
            if assignments != self.assignments {
                trained = 0
                offset = nil
            }
            self.offers = offers
            self.assignments = assignments
        case .upload(let round, let offset, let receipt):
            guard assignments.first?.round == round else {
                if let receipt { keep(receipt) }
                return
            }
            self.offset = offset
            if let receipt {
                keep(receipt)
                assignments = []
            }
        case .problem:
            offset = nil
            assignments = []
        case .done: assignments = []
        }
    }

    private mutating func keep(_ receipt: Receipt) {
        if !receipts.contains(receipt) { receipts.append(receipt) }
    }

    /// What it does next; `nil` when it only works.
    mutating func act(_ random: inout SeededGenerator, refuses: Bool) -> Request {
        if let offer = offers.first(where: { $0.standing == .invited }) {
            offers = []
            let consent = Consent(
                federation: offer.document.federation, site: name, study: offer.document.study,
                plan: offer.document.digest, agrees: true)
            return .consent(sign(consent))
        }
        guard let assignment = assignments.first else { return .poll }
        if refuses, random.chance(0.05) {
            return .refusal(
                sign(
                    Refusal(
                        federation: assignment.federation, site: name, round: assignment.round, kind: assignment.kind,
                        reason: .resources, detail: "the disk is full")))
        }
        switch assignment.kind {
        case .evaluate: return .report(sign(report(assignment)))
        case .train, .rehearse:
            guard let header = updates[assignment.round] else {
                trained += 1
                if trained >= 2 {
                    updates[assignment.round] = sign(header(assignment))
                    made[assignment.round] = digest(assignment)
                }
                return .poll
            }
            guard let offset, offset < Self.bytes else { return .open(header) }
            return .piece(header, offset: offset, count: min(Self.piece, Self.bytes - offset))
        }
    }

    func digest(_ assignment: Assignment) -> String {
        hexDigest("\(name) \(assignment.round) \(assignment.base.digest)")
    }

    private func header(_ assignment: Assignment) -> UpdateHeader {
        UpdateHeader(
            federation: assignment.federation, site: name, round: assignment.round, plan: assignment.plan,
            base: assignment.base.digest,
            update: ObjectReference(digest: digest(assignment), bytes: Self.bytes), encoding: .f32,
            samples: 40 + name.utf8.reduce(0) { $0 + Int($1) } % 60, steps: 5, loss: 0.5, software: "simulated")
    }

    private func report(_ assignment: Assignment) -> EvaluationReport {
        let models = [assignment.base] + (assignment.candidate.map { [$0] } ?? [])
        return EvaluationReport(
            federation: assignment.federation, site: name, round: assignment.round, plan: assignment.plan,
            cases: [30, 30],
            models: models.map { EvaluationReport.Scores(model: $0.digest, loss: 0.5, correct: 40, histograms: []) },
            software: "simulated")
    }
}

func hexDigest(_ text: String) -> String { Array(text.utf8).withUnsafeBytes { SHA256.hex(of: $0) } }

/// Signatures that cost nothing: of who knows the key's name. Curves are tested elsewhere.
enum SimulatedSignatures {
    static let check = SignatureCheck { domain, _, signature, signer in signature == Self.signature(domain, signer) }

    static func signature(_ domain: String, _ key: String) -> String { "\(domain) by \(key)" }
}

enum SimulatedFold {
    static func digest(base: String, _ verdicts: [FoldVerdict]) -> String {
        hexDigest(
            "fold \(base) "
                + verdicts.map { "\($0.site) \($0.update) \($0.weight) \($0.factor)" }.joined(separator: ","))
    }

    /// Accepts most, clips and rejects some, always the same ones.
    static func verdicts(_ work: FoldWork) -> [FoldVerdict] {
        work.inputs.enumerated().map { index, input in
            let die = input.update.digest.utf8.last ?? 0
            let outcome: Verdict.Outcome = die == 48 && index > 1 ? .rejected : (die == 49 ? .clipped : .accepted)
            let factor = outcome == .accepted ? 1 : outcome == .clipped ? 0.5 : 0.0
            return FoldVerdict(
                site: input.site, update: input.update.digest, outcome: outcome, factor: factor, weight: input.weight,
                reason: "simulated")
        }
    }
}
