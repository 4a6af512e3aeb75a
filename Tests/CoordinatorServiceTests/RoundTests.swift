import CoordinatorService
import Federation
import Foundation
import Testing
import Transport
import Weights

@Suite("Rounds") struct RoundTests {
    @Test("three sites over mutual TLS make two rounds: consent, train, evaluate, gate, commit")
    func wholeStudy() async throws {
        let federation = try TestFederation()
        let coordinator = try await federation.open()
        var sites: [TestSite] = []
        for name in ["hospital-a", "hospital-b", "hospital-c"] {
            sites.append(try await federation.site(name, with: coordinator))
        }
        try await coordinator.perform(
            .createStudy(text: TestFederation.plan(rounds: 2, minimum: 3, evaluation: "{ sites: on }")))
        let all = sites
        try await federation.serving(coordinator) { port in
            for site in all { try await site.consent(site.client(port)) }
            try await eventually("the initial model is made") { coordinator.state.studies["glioma"]?.base != nil }
            try await coordinator.perform(.startStudy(study: "glioma"), by: "operator")
            try await withThrowingTaskGroup { group in
                for (index, site) in all.enumerated() {
                    group.addTask { try await Self.takePart(site, site.client(port), rounds: 2, seed: index + 1) }
                }
                try await group.waitForAll()
            }
            try await eventually("the study is finished") {
                coordinator.state.studies["glioma"]?.standing == .finished
            }
            try await eventually("nothing is left to do") { coordinator.state.pendingWork.isEmpty }
        }
        let study = try #require(coordinator.state.studies["glioma"])
        #expect(study.rounds.map(\.phase) == [.committed, .committed])
        let base = try #require(study.base)
        #expect(base != study.initial && coordinator.store.objects.holds(base))
        #expect(study.rounds.allSatisfy { $0.gate?.judgement?.change != nil })
        // The updates are no longer kept, and their files are gone.
        for update in study.rounds.flatMap(\.updates.values) {
            #expect(coordinator.store.objects.size(of: update.received.update.digest) == nil)
        }
        let (state, head) = try await coordinator.store.replay()
        #expect(state == coordinator.state && head == coordinator.head)
    }

    private static func takePart(_ site: TestSite, _ client: HTTPClient, rounds: Int, seed: Int) async throws {
        for round in 0..<rounds {
            let train = try await site.assignment(client, after: round)
            let base = "\(site.scratch)/\(site.name).base.\(round)"
            try await Transfers.download(
                "/v1/objects/\(train.base.digest)", to: base, digest: train.base.digest, bytes: train.base.bytes,
                over: client)
            let status = try await site.submit(try site.update(train, seed: seed), client)
            let receipt = try #require(status.receipt).body()
            #expect(receipt.round == train.round && receipt.norm > 0)
            let evaluate = try await site.assignment(client, kind: .evaluate, after: round)
            try await site.report(evaluate, client)
            // Once more, as after an answer that was lost.
            try await site.report(evaluate, client)
        }
    }

    @Test("the fold is what the updates say it is")
    func closedForm() async throws {
        let federation = try TestFederation()
        let coordinator = try await federation.open()
        let sites = [
            try await federation.site("hospital-a", with: coordinator),
            try await federation.site("hospital-b", with: coordinator),
        ]
        try await coordinator.perform(.createStudy(text: TestFederation.plan(more: "weighting: uniform")))
        try await federation.serving(coordinator) { port in
            for site in sites { try await site.consent(site.client(port)) }
            try await eventually("the initial model is made") { coordinator.state.studies["glioma"]?.base != nil }
            try await coordinator.perform(.startStudy(study: "glioma"))
            for (index, site) in sites.enumerated() {
                let client = site.client(port)
                _ = try await site.submit(
                    try site.update(try await site.assignment(client), seed: index + 1), client)
            }
            try await eventually("the study is finished") {
                coordinator.state.studies["glioma"]?.standing == .finished
            }
        }
        let study = try #require(coordinator.state.studies["glioma"])
        let path = coordinator.store.objects.path(of: try #require(study.base).digest)
        let model = try SafetensorsFile(path).floats("FC.weight")
        let base = TestModel.numbers(128, seed: 12, scale: 1)
        let first = TestModel.numbers(128, seed: 32, scale: 0.01)
        let second = TestModel.numbers(128, seed: 63, scale: 0.01)
        for i in model.indices {
            #expect(abs(model[i] - (base[i] + (first[i] + second[i]) / 2)) < 1e-6)
        }
    }

    @Test("a deadline passes once, by the monotonic clock, and what remained is kept over a stop")
    func deadline() async throws {
        let federation = try TestFederation()
        let coordinator = try await federation.open()
        let site = try await federation.site("hospital-a", with: coordinator)
        let other = try await federation.site("hospital-b", with: coordinator)
        try await coordinator.perform(
            .createStudy(text: TestFederation.plan(minimum: 1, more: "deadline: 2s")))
        try await federation.serving(coordinator) { port in
            try await site.consent(site.client(port))
            try await other.consent(other.client(port))
            try await eventually("the initial model is made") { coordinator.state.studies["glioma"]?.base != nil }
            try await coordinator.perform(.startStudy(study: "glioma"))
            let client = site.client(port)
            _ = try await site.submit(try site.update(try await site.assignment(client), seed: 1), client)
            try await eventually("the remaining time is kept") { try await !coordinator.remainingTimes().isEmpty }
            // One site stays silent: the round goes on without it.
            try await eventually("the study is finished") {
                coordinator.state.studies["glioma"]?.standing == .finished
            }
        }
        let rows = try await coordinator.store.transcript(after: 0, limit: 1000)
        let passed = try rows.filter { row in
            if case .deadlinePassed = try row.entry().event { true } else { false }
        }
        #expect(passed.count == 1)
    }
}
