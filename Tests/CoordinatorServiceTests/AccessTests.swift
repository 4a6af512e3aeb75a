import CoordinatorService
import Federation
import Foundation
import HTTPTypes
import Identity
import Synchronization
import TLSClient
import Testing
import Transport

@Suite("Access") struct AccessTests {
    @Test("every request of a key that is not let in is refused, whatever it asks")
    func unknownKey() async throws {
        let collecting = try await Collecting()
        let stranger = try TestSite("hospital-z", of: collecting.federation)
        try await collecting.serving { port, assignment in
            for route in AgentRoute.allCases {
                let path = route.path.replacing("{digest}", with: assignment.base.digest)
                    .replacing("{id}", with: String(repeating: "0", count: 32)).replacing("{study}", with: "glioma")
                let problem = try await collecting.problem {
                    try await stranger.client(port).send("\(route.method.rawValue)", path, body: .bytes([]))
                }
                #expect(problem.status == 403 && problem.code == "forbidden", "\(route)")
            }
        }
    }

    @Test("what is not in the table is refused")
    func defaultDeny() async throws {
        let collecting = try await Collecting()
        try await collecting.serving { port, assignment in
            let client = collecting.site.client(port)
            let requests = [
                ("DELETE", "/v1/objects/\(assignment.base.digest)"), ("PUT", "/v1/uploads"), ("GET", "/v1/poll"),
                ("GET", "/"), ("GET", "/v2/poll"), ("POST", "/v1/enrolment"), ("GET", "/v1/objects/.."),
                ("GET", "/v1/objects/%2e%2e%2fconsilium.sqlite"),
                ("GET", "/v1/objects/" + String(repeating: "A", count: 64)),
            ]
            for (method, path) in requests {
                let problem = try await collecting.problem { try await client.send(method, path) }
                #expect(problem.status == 404 || problem.status == 405, "\(method) \(path)")
                #expect(!problem.code.isEmpty)
            }
        }
    }

    @Test("a site that is revoked in the middle of an upload is cut, and nothing of it is taken any more")
    func revoked() async throws {
        let collecting = try await Collecting(tensors: TestModel.large)
        let (site, coordinator) = (collecting.site, collecting.coordinator)
        try await collecting.serving { port, assignment in
            let client = site.client(port)
            let path = "\(site.scratch)/large"
            let update = try site.update(
                assignment, seed: 1, file: path,
                reference: try TestModel.delta(path, seed: 1, entries: TestModel.large))
            let id = try await site.open(update.header, client).id
            // A line so slow that the upload is under way when the site is revoked.
            client.limit(send: 200_000, receive: 0)
            let sending = Task { try await site.send(update.path, 0..<update.bytes, to: id, client) }
            try await Task.sleep(for: .milliseconds(500))
            let before = try await site.status(id, site.client(port))
            #expect(before.receipt == nil)
            try await coordinator.perform(.revokeSite(site: site.name, reason: "a test"))
            let registry = collecting.federation.registry
            try await eventually("its connections are cut", within: 1) {
                registry.count(publicKey: site.key.spki) == 0
            }
            await #expect(throws: (any Error).self) { try await sending.value }
            let problem = try await collecting.problem { try await site.poll(site.client(port)) }
            #expect(problem.status == 403)
            try await eventually("its bytes are gone") {
                try FileManager.default.contentsOfDirectory(atPath: coordinator.store.folder.uploads).isEmpty
            }
        }
    }

    @Test("a site that is shut out is refused and cut at once, before any record of it")
    func shutOut() async throws {
        let collecting = try await Collecting()
        let (site, coordinator) = (collecting.site, collecting.coordinator)
        try await collecting.serving { port, _ in
            let registry = collecting.federation.registry
            // A client that does not connect again by itself.
            let client = try TLSClient(port: port, .init(identity: try site.identity))
            #expect(try client.get("/v1/probe?bytes=1").status == 200)
            let head = coordinator.head
            coordinator.shutOut(site: site.name)
            try await eventually("its connections are cut", within: 1) {
                registry.count(publicKey: site.key.spki) == 0
            }
            let problem = try await collecting.problem { try await site.poll(site.client(port)) }
            #expect(problem.status == 403 && coordinator.head == head)
        }
    }

    @Test("a request that has no body is refused when it brings one")
    func bodiless() async throws {
        let collecting = try await Collecting()
        try await collecting.serving { port, assignment in
            let client = try TLSClient(port: port, .init(identity: try collecting.site.identity))
            try client.write(
                "GET /v1/objects/\(assignment.base.digest) HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\n\r\nx")
            #expect(try client.readAnswer().status == 413)
        }
    }

    @Test("an object comes whole or from a byte on, with its digest as its name")
    func ranges() async throws {
        let collecting = try await Collecting()
        try await collecting.serving { port, assignment in
            let client = collecting.site.client(port)
            let path = "/v1/objects/\(assignment.base.digest)"
            let whole = try await client.send("GET", path)
            #expect(whole.status == 200 && whole.body.count == assignment.base.bytes)
            #expect(whole.headers["etag"] == "\"\(assignment.base.digest)\"")
            let part = try await client.send("GET", path, headers: ["Range": "bytes=1000-"])
            #expect(part.status == 206 && part.body == Array(whole.body[1000...]))
            #expect(part.headers["content-range"] == "bytes 1000-\(whole.body.count - 1)/\(whole.body.count)")
            let beyond = try await collecting.problem {
                try await client.send("GET", path, headers: ["Range": "bytes=\(whole.body.count)-"])
            }
            #expect(beyond.status == 416)
            // To a site that never agreed to the study its models are not there.
            let third = try await collecting.federation.site("hospital-c", with: collecting.coordinator)
            let hidden = try await collecting.problem { try await third.client(port).send("GET", path) }
            #expect(hidden.status == 404)
        }
    }

    @Test("a question that waits is answered when something changes, and its token is stable until then")
    func longPoll() async throws {
        let collecting = try await Collecting()
        let site = collecting.site
        try await collecting.serving { port, assignment in
            let client = site.client(port)
            let first = try await site.poll(client)
            var second = try await site.poll(client)
            second.now = first.now
            #expect(second == first)
            let waiting = Task { try await site.poll(client, known: first.token, wait: 30) }
            try await Task.sleep(for: .milliseconds(100))
            _ = try await site.submit(try site.update(assignment, seed: 1), site.client(port))
            let answer = try await waiting.value
            #expect(answer.token != first.token && answer.assignments.isEmpty)
            #expect(collecting.coordinator.presence[site.name] != nil)
        }
    }

    @Test("questions that wait are answered when the service ends, and so are later ones")
    func endOfService() async throws {
        let collecting = try await Collecting()
        let site = collecting.site
        try await collecting.serving { port, _ in
            let known = try await site.poll(site.client(port)).token
            let answers = AsyncStream.makeStream(of: String?.self)
            let waiting = Task {
                for _ in 0..<2 {
                    answers.continuation.yield(try await site.poll(site.client(port), known: known, wait: 55).token)
                }
            }
            let limit = Task {
                try await Task.sleep(for: .seconds(50))
                answers.continuation.yield(nil)
            }
            try await Task.sleep(for: .milliseconds(100))
            collecting.coordinator.endWaiting()
            var answered = answers.stream.makeAsyncIterator()
            #expect(await answered.next() == known)
            #expect(await answered.next() == known)
            limit.cancel()
            try await waiting.value
        }
    }

    @Test("an agent hears whether the transcript it saw is still part of this one")
    func heads() async throws {
        let collecting = try await Collecting()
        let site = collecting.site
        try await collecting.serving { port, _ in
            let client = site.client(port)
            func knows(_ head: TranscriptHead) async throws -> Bool {
                let request = PollRequest(software: "test", head: head, known: nil, wait: 0, activities: [])
                let answer: PollAnswer = try await client.post("/v1/poll", request).decoded()
                return answer.knowsHead
            }
            var head = collecting.coordinator.head
            let isKnown = try await knows(head)
            head.hash = String(repeating: "0", count: 64)
            let isOther = try await !knows(head)
            head.sequence += 100
            let isBeyond = try await !knows(head)
            #expect(isKnown && isOther && isBeyond)
        }
    }

    @Test("a report outside the egress schema is refused, as is one on another round")
    func reports() async throws {
        let collecting = try await Collecting()
        let site = collecting.site
        try await collecting.serving { port, assignment in
            let client = site.client(port)
            let late = try await collecting.problem { try await site.report(assignment, client) }
            #expect(late.code == "late")
            var report = EvaluationReport(
                federation: TestFederation.name, site: site.name, round: assignment.round, plan: assignment.plan,
                cases: [3, 3], models: [], software: "test")
            report.models = [
                EvaluationReport.Scores(
                    model: assignment.base.digest, loss: 1, correct: 3,
                    histograms: [ScoreHistogram(class: 0, bins: [.init(first: 0, last: 63, positive: 3, negative: 3)])])
            ]
            let body = try Signed(report, by: site.signingKey)
            let few = try await collecting.problem { try await client.post("/v1/reports", body) }
            #expect(few.code == "malformed")
            let records = try await collecting.coordinator.store.objectRecords()
            #expect(records.count == 1)
        }
    }
}
