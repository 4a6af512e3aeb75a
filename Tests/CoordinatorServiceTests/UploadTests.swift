import CoordinatorService
import Cryptography
import Federation
import Foundation
import Identity
import Testing
import Transport
import Weights

/// A federation of two sites with a study that collects.
struct Collecting {
    let federation: TestFederation
    let coordinator: Coordinator
    let site: TestSite
    let other: TestSite

    init(
        plan: String = TestFederation.plan(), tensors: [SafetensorsWriter.Entry] = TestModel.tensors
    ) async throws {
        federation = try TestFederation(tensors: tensors)
        coordinator = try await federation.open()
        site = try await federation.site("hospital-a", with: coordinator)
        other = try await federation.site("hospital-b", with: coordinator)
        try await coordinator.perform(.createStudy(text: plan))
    }

    func serving(_ body: @escaping @Sendable (_ port: Int, Assignment) async throws -> Void) async throws {
        try await federation.serving(coordinator) { port in
            if coordinator.state.studies["glioma"]?.standing == .draft {
                for site in [site, other] { try await site.consent(site.client(port)) }
                try await eventually("the initial model is made") { coordinator.state.studies["glioma"]?.base != nil }
                try await coordinator.perform(.startStudy(study: "glioma"))
            }
            try await body(port, try await site.assignment(site.client(port)))
        }
    }

    /// The problem a request ends with.
    func problem(_ body: () async throws -> some Sendable) async throws -> ServerProblem {
        do {
            _ = try await body()
        } catch let error as TransportError {
            if let problem = error.problem { return problem }
            throw error
        }
        throw TestError("nothing was refused")
    }
}

@Suite("Uploads") struct UploadTests {
    @Test("an upload goes on from what is durable, also after a restart; the same bytes give the same receipt")
    func resume() async throws {
        let collecting = try await Collecting()
        let (site, coordinator) = (collecting.site, collecting.coordinator)
        try await collecting.serving { port, assignment in
            let client = site.client(port)
            let update = try site.update(assignment, seed: 1)
            let opened = try await site.open(update.header, client)
            #expect(opened.offset == 0 && opened.receipt == nil)
            let part = try await site.send(update.path, 0..<10_000, to: opened.id, client)
            #expect(part.offset == 10_000 && part.id == opened.id)
            let again = try await site.open(update.header, client)
            #expect(again == part)
            let wrong = try await collecting.problem {
                try await site.send(update.path, 0..<100, to: opened.id, client)
            }
            #expect(wrong.status == 409 && wrong.code == "wrong-offset" && wrong.offset == 10_000)
        }
        try coordinator.store.close()
        try await Self.finish(collecting)
    }

    /// The rest, with the coordinator opened anew.
    private static func finish(_ collecting: Collecting) async throws {
        let (site, federation) = (collecting.site, collecting.federation)
        let again = try await federation.open()
        try await federation.serving(again) { port in
            let client = site.client(port)
            let update = try site.update(try await site.assignment(client), seed: 1)
            let status = try await site.open(update.header, client)
            #expect(status.offset == 10_000)
            let done = try await site.send(update.path, 10_000..<update.bytes, to: status.id, client)
            let receipt = try #require(done.receipt)
            let word = try receipt.verified(by: federation.signingKey.publicKey)
            let digest = try update.header.body().update.digest
            #expect(word.update.digest == digest)
            for _ in 0..<100 {
                let same = try await site.open(update.header, client)
                #expect(same == done)
            }
            let asked: UploadStatus = try await client.send("GET", "/v1/uploads/\(status.id)").decoded()
            #expect(asked == done)
            let rows = try await again.store.transcript(after: 0, limit: 1000).filter { row in
                if case .updateReceived = try row.entry().event { true } else { false }
            }
            #expect(rows.count == 1)
            // Other bytes to the same attempt.
            let second = try site.update(
                Assignment(
                    federation: TestFederation.name, site: site.name, kind: .train,
                    round: RoundReference(study: "glioma", round: 1, attempt: 1),
                    plan: try update.header.body().plan,
                    base: try #require(again.state.studies["glioma"]?.base), globalStep: 0,
                    issued: Timestamp(milliseconds: 0)), seed: 2)
            let conflict = try await collecting.problem { try await site.open(second.header, client) }
            #expect(conflict.status == 409 && conflict.code == "conflict")
        }
    }

    @Test("three connections that send the same upload, each going on where it is told, end with one receipt")
    func parallel() async throws {
        let collecting = try await Collecting()
        let site = collecting.site
        try await collecting.serving { port, assignment in
            let update = try site.update(assignment, seed: 1)
            let outcomes = await withTaskGroup(of: UploadStatus?.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        let client = site.client(port)
                        for _ in 0..<50 {
                            if let status = try? await site.submit(update, client), status.receipt != nil {
                                return status
                            }
                        }
                        return nil
                    }
                }
                return await group.reduce(into: [UploadStatus?]()) { $0.append($1) }
            }
            let receipts = outcomes.compactMap { $0?.receipt?.text }
            #expect(receipts.count == 3 && Set(receipts).count == 1)
            #expect(collecting.coordinator.state.studies["glioma"]?.openRound?.updates.count == 1)
        }
    }

    @Test("an update that is wrong is refused by its own reason, and nothing of it is kept")
    func malformed() async throws {
        let collecting = try await Collecting(plan: TestFederation.plan(more: "max_norm: 50"))
        let (site, coordinator) = (collecting.site, collecting.coordinator)
        try await collecting.serving { port, assignment in
            let client = site.client(port)
            for (index, wrong) in try Wrong.all(site, assignment).enumerated() {
                let problem = try await collecting.problem {
                    let status = try await site.open(wrong.header, client)
                    return try await site.send(wrong.path, 0..<wrong.sent, to: status.id, client)
                }
                #expect(problem.code == wrong.code, "case \(index): \(problem.message)")
                #expect(problem.status >= 400 && !problem.message.isEmpty)
                // Asked again, it is the same reason without a byte sent.
                let again = try await collecting.problem {
                    let status = try await site.open(wrong.header, client)
                    return try await site.send(wrong.path, 0..<wrong.sent, to: status.id, client)
                }
                #expect(again.code == wrong.code, "case \(index), once more")
            }
            let left = try FileManager.default.contentsOfDirectory(atPath: coordinator.store.folder.uploads)
            #expect(left.isEmpty)
            #expect(coordinator.state.studies["glioma"]?.openRound?.updates.isEmpty == true)
            // And a right one is taken after all.
            let sent = try await site.submit(try site.update(assignment, seed: 1), client)
            #expect(sent.receipt != nil)
        }
    }

    @Test("a site's upload is, to another site, not there")
    func othersUploads() async throws {
        let collecting = try await Collecting()
        let (site, other) = (collecting.site, collecting.other)
        try await collecting.serving { port, assignment in
            let update = try site.update(assignment, seed: 1)
            let id = try await site.open(update.header, site.client(port)).id
            let client = other.client(port)
            for request in ["GET /v1/uploads/\(id)", "PATCH /v1/uploads/\(id)?offset=0"] {
                let parts = request.split(separator: " ").map(String.init)
                let problem = try await collecting.problem {
                    try await client.send(parts[0], parts[1], body: parts[0] == "PATCH" ? .bytes([1]) : .none)
                }
                #expect(problem.status == 404, "\(request)")
            }
            // Signed by the one, sent by the other.
            let stolen = try await collecting.problem { try await other.open(update.header, client) }
            #expect(stolen.code == "wrong-site")
            // Its own update is no object for anybody.
            let sent = try await site.submit(update, site.client(port))
            #expect(sent.receipt != nil)
            let digest = try update.header.body().update.digest
            for who in [site, other] {
                let problem = try await collecting.problem {
                    try await who.client(port).send("GET", "/v1/objects/\(digest)")
                }
                #expect(problem.status == 404)
            }
        }
    }

    @Test("a body longer than what is missing is refused before it is read")
    func tooLong() async throws {
        let collecting = try await Collecting()
        let site = collecting.site
        try await collecting.serving { port, assignment in
            let client = site.client(port)
            let update = try site.update(assignment, seed: 1)
            let id = try await site.open(update.header, client).id
            let problem = try await collecting.problem {
                try await client.send(
                    "PATCH", "/v1/uploads/\(id)?offset=0", body: .bytes([UInt8](repeating: 0, count: update.bytes + 1)))
            }
            #expect(problem.status == 413)
            let sent = try await site.submit(update, client)
            #expect(sent.receipt != nil)
        }
    }
}

/// Updates that must be refused.
struct Wrong {
    let header: Signed<UpdateHeader>
    let path: String
    let sent: Int
    let code: String

    static func all(_ site: TestSite, _ assignment: Assignment) throws -> [Wrong] {
        var all: [Wrong] = []
        func header(_ code: String, _ change: (inout UpdateHeader) -> Void) throws {
            let update = try site.update(assignment, seed: 20 + all.count, change)
            all.append(Wrong(header: update.header, path: update.path, sent: update.bytes, code: code))
        }
        try header("wrong-federation") { $0.federation = "other" }
        try header("wrong-site") { $0.site = "hospital-b" }
        try header("wrong-study") { $0.round.study = "other" }
        try header("stale-round") { $0.round.round += 1 }
        try header("wrong-attempt") { $0.round.attempt += 1 }
        try header("wrong-plan") { $0.plan = String(repeating: "0", count: 64) }
        try header("wrong-base") { $0.base = String(repeating: "0", count: 64) }
        try header("wrong-encoding") { $0.encoding = .bf16 }
        try header("wrong-samples") { $0.samples = 0 }
        try header("wrong-digest") { $0.update.digest = String(repeating: "1", count: 64) }

        let signed = try site.update(assignment, seed: 40)
        var forged = signed.header
        forged.signature = String(repeating: "0", count: 128)
        all.append(Wrong(header: forged, path: signed.path, sent: signed.bytes, code: "wrong-signature"))

        func entries(_ code: String, _ entries: [SafetensorsWriter.Entry], scale: Float = 0.01) throws {
            let path = "\(site.scratch)/wrong.\(all.count)"
            let reference = try TestModel.delta(path, seed: 60 + all.count, scale: scale, entries: entries)
            let update = try site.update(assignment, seed: 1, file: path, reference: reference)
            all.append(Wrong(header: update.header, path: path, sent: reference.bytes, code: code))
        }
        let right = TestModel.tensors
        try entries("wrong-shape", [.init("blocks.0.weight", .float32, [129, 64]), right[1], right[2]])
        try entries("norm", right, scale: 100)

        func bytes(_ code: String, _ values: [UInt8]) throws {
            let source = try site.update(assignment, seed: 80 + all.count)
            var data = try Data(contentsOf: URL(filePath: source.path))
            data.replaceSubrange(data.count - values.count..<data.count, with: values)
            let path = "\(site.scratch)/wrong.\(all.count)"
            try data.write(to: URL(filePath: path))
            let reference = ObjectReference(digest: digest(data), bytes: data.count)
            let update = try site.update(assignment, seed: 1, file: path, reference: reference)
            all.append(Wrong(header: update.header, path: path, sent: data.count, code: code))
        }
        try bytes("nan", [0, 0, 0xc0, 0x7f])
        try bytes("infinite", [0, 0, 0x80, 0xff])
        return all
    }

    private static func digest(_ data: Data) -> String { data.withUnsafeBytes { SHA256.hex(of: $0) } }
}
