import CoordinatorService
import Cryptography
import Federation
import Foundation
import Identity
import Synchronization
import Transport
import Weights

/// A site as the coordinator sees it: keys, and what an agent would send.
final class TestSite: Sendable {
    let name: String
    let key = SigningKey()
    let signingKey = SigningKey()
    let scratch: String
    private let files: ClientSettings.Identity
    private let root: String

    init(_ name: String, of federation: TestFederation) throws {
        self.name = name
        scratch = federation.scratch
        root = federation.root.certificate.pem
        files = ClientSettings.Identity(certificate: "\(scratch)/\(name).pem", key: "\(scratch)/\(name).key")
        let chain = try federation.authority.issue(
            CertificateRequest.make(key: key), uri: SubjectName.site(name, of: TestFederation.name), usage: .site)
        try Data(chain.utf8).write(to: URL(filePath: files.certificate))
        try Data(key.pem.utf8).write(to: URL(filePath: files.key))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: files.key)
    }

    /// Chain and key in PEM.
    var identity: (chain: String, key: String) {
        get throws {
            (try String(contentsOfFile: files.certificate, encoding: .utf8), key.pem)
        }
    }

    func client(_ port: Int) -> HTTPClient {
        HTTPClient(
            ClientSettings(address: "127.0.0.1:\(port)", trust: .root(pem: root), identity: files, proxy: .none))
    }

    func poll(_ client: HTTPClient, known: String? = nil, wait: Int = 0) async throws -> PollAnswer {
        let request = PollRequest(software: "test 1", head: nil, known: known, wait: wait, activities: [])
        return try await client.post("/v1/poll", request, wait: .seconds(wait)).decoded()
    }

    /// Asks for work until there is some of a study.
    func assignment(_ client: HTTPClient, kind: Assignment.Kind = .train, after round: Int = 0) async throws
        -> Assignment
    {
        var known: String?
        for _ in 0..<60 {
            let answer = try await poll(client, known: known, wait: 5)
            known = answer.token
            let assignments = try answer.assignments.map { try $0.body() }
            if let found = assignments.first(where: { $0.kind == kind && $0.round.round > round }) { return found }
        }
        throw TestError("\(name) was never asked to \(kind)")
    }

    /// Agrees to every plan it is shown.
    func consent(_ client: HTTPClient) async throws {
        for offer in try await poll(client).studies where offer.standing == .invited {
            let plan = try offer.plan.body()
            let consent = Consent(
                federation: TestFederation.name, site: name, study: offer.name, plan: plan.digest, agrees: true)
            _ = try await client.post("/v1/studies/\(offer.name)/consent", try Signed(consent, by: signingKey))
        }
    }

    /// Writes an update and what is said of it.
    /// - Parameter change: makes the header wrong.
    func update(
        _ assignment: Assignment, seed: Int, file: String? = nil, reference: ObjectReference? = nil,
        _ change: (inout UpdateHeader) -> Void = { _ in }
    ) throws -> (header: Signed<UpdateHeader>, path: String, bytes: Int) {
        let path = file ?? "\(scratch)/\(name).\(assignment.round.round).\(seed).update"
        let written = try reference ?? TestModel.delta(path, seed: seed)
        var header = UpdateHeader(
            federation: TestFederation.name, site: name, round: assignment.round, plan: assignment.plan,
            base: assignment.base.digest, update: written, encoding: .f32, samples: 10 + seed, steps: 4, loss: 0.5,
            software: "test 1")
        change(&header)
        return (try Signed(header, by: signingKey), path, written.bytes)
    }

    func open(_ header: Signed<UpdateHeader>, _ client: HTTPClient) async throws -> UploadStatus {
        try await client.post("/v1/uploads", UploadRequest(header: header)).decoded()
    }

    func status(_ id: String, _ client: HTTPClient) async throws -> UploadStatus {
        try await client.send("GET", "/v1/uploads/\(id)").decoded()
    }

    /// Sends bytes of a file to an upload.
    func send(
        _ path: String, _ range: Range<Int>, at offset: Int? = nil, to id: String, _ client: HTTPClient
    ) async throws -> UploadStatus {
        let data = try Data(contentsOf: URL(filePath: path))
        return try await client.send(
            "PATCH", "/v1/uploads/\(id)?offset=\(offset ?? range.lowerBound)", body: .bytes([UInt8](data[range]))
        ).decoded()
    }

    /// Sends an update whole.
    func submit(_ update: (header: Signed<UpdateHeader>, path: String, bytes: Int), _ client: HTTPClient) async throws
        -> UploadStatus
    {
        let status = try await open(update.header, client)
        return try await send(update.path, status.offset..<update.bytes, to: status.id, client)
    }

    func report(_ assignment: Assignment, _ client: HTTPClient) async throws {
        var models: [EvaluationReport.Scores] = []
        for model in [assignment.base, assignment.candidate].compactMap(\.self) {
            var builder = HistogramBuilder(classes: 2)
            for i in 0..<80 {
                let label = i % 2
                builder.add(logits: [0, Double(label) * 2 + Double(i % 7) - 4], label: label)
            }
            models.append(builder.scores(model: model.digest))
        }
        let report = EvaluationReport(
            federation: TestFederation.name, site: name, round: assignment.round, plan: assignment.plan,
            cases: [40, 40], models: models, software: "test 1")
        _ = try await client.post("/v1/reports", try Signed(report, by: signingKey))
    }
}

extension HTTPClient {
    func post(_ path: String, _ value: some Encodable, wait: Duration = .zero) async throws -> HTTPAnswer {
        try await send("POST", path, body: .bytes(Array(try MessageCoding.encode(value).utf8)), wait: wait)
    }
}
