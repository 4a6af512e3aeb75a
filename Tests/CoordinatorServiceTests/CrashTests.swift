import CoordinatorService
import Federation
import Foundation
import GRDB
import Identity
import Synchronization
import Testing
import Transport

@Suite("After a stop") struct CrashTests {
    private static let names = ["hospital-a", "hospital-b", "hospital-c"]

    /// What the disk holds at a moment of a study is what a coordinator that is killed then would find. From each such
    /// image the study is run to its end.
    @Test("stopped at any moment of a study, it ends with the same model")
    func anyMoment() async throws {
        let federation = try TestFederation()
        let coordinator = try await federation.open()
        var sites: [TestSite] = []
        for name in Self.names { sites.append(try await federation.site(name, with: coordinator)) }
        try await coordinator.perform(
            .createStudy(text: TestFederation.plan(rounds: 3, minimum: 3, evaluation: "{ sites: on }")))
        let all = sites
        let images = Mutex<[StateFolder]>([])
        let imaging = Task {
            while !Task.isCancelled {
                await Self.image(coordinator, into: "\(federation.scratch)/image", images)
                try await Task.sleep(for: .milliseconds(2))
            }
        }
        let quiet = try await Self.run(coordinator, federation, all)
        imaging.cancel()
        _ = await imaging.result
        let taken = images.withLock { $0 }
        #expect(taken.count >= 6, "\(taken.count)")
        // Some of them, spread over the study.
        for index in stride(from: 0, to: taken.count, by: max(1, taken.count / 6)) {
            let again = try await federation.open(taken[index])
            let model = try await Self.run(again, federation, all)
            #expect(model == quiet, "image \(index) of \(taken.count)")
            try again.store.close()
        }
    }

    /// Copies the folder while nothing is written into the database; a copy under which a file was removed is none.
    private static func image(
        _ coordinator: Coordinator, into path: String, _ images: borrowing Mutex<[StateFolder]>
    ) async {
        let (from, to) = (coordinator.store.folder.path, "\(path).\(UUID().uuidString)")
        do {
            try await coordinator.store.access { _ in try FileManager.default.copyItem(atPath: from, toPath: to) }
            images.withLock { $0.append(StateFolder(to)) }
        } catch {
            try? FileManager.default.removeItem(atPath: to)
        }
    }

    /// Runs the study to its end, with sites that make the same updates whenever they are asked.
    private static func run(
        _ coordinator: Coordinator, _ federation: TestFederation, _ sites: [TestSite]
    ) async throws -> String {
        try await federation.serving(coordinator) { port in
            let agents = Task {
                await withTaskGroup { group in
                    for (index, site) in sites.enumerated() {
                        group.addTask { await live(site, site.client(port), seed: index + 1) }
                    }
                }
            }
            defer { agents.cancel() }
            try await eventually("the initial model is made") { coordinator.state.studies["glioma"]?.base != nil }
            if coordinator.state.studies["glioma"]?.standing == .draft {
                try await eventually("all agree") { coordinator.state.studies["glioma"]?.consents.count == sites.count }
                try await coordinator.perform(.startStudy(study: "glioma"))
            }
            try await eventually("the study is finished") {
                coordinator.state.studies["glioma"]?.standing == .finished
            }
            try await eventually("nothing is left to do") { coordinator.state.pendingWork.isEmpty }
            let study = try #require(coordinator.state.studies["glioma"])
            #expect(study.rounds.count == 3)
            return try #require(study.base).digest
        }
    }

    /// An agent: it does what it is asked to, over and over.
    private static func live(_ site: TestSite, _ client: HTTPClient, seed: Int) async {
        var known: String?
        while !Task.isCancelled {
            do {
                let answer = try await site.poll(client, known: known, wait: 20)
                known = answer.token
                try await site.consent(client)
                for assignment in try answer.assignments.map({ try $0.body() }) {
                    if assignment.kind == .evaluate {
                        try await site.report(assignment, client)
                    } else {
                        let update = try site.update(assignment, seed: seed + 10 * assignment.round.round)
                        let status = try await site.open(update.header, client)
                        // In two pieces, so that images fall between them.
                        let half = max(status.offset, update.bytes / 2)
                        _ = try await site.send(update.path, status.offset..<half, to: status.id, client)
                        _ = try await site.send(update.path, half..<update.bytes, to: status.id, client)
                    }
                }
            } catch {
                try? await Task.sleep(for: .milliseconds(20))
            }
        }
    }

    @Test("files that nothing refers to go at the next start, and an object without its row gets one")
    func reconcile() async throws {
        let collecting = try await Collecting()
        let (site, federation) = (collecting.site, collecting.federation)
        try await collecting.serving { port, assignment in
            let sent = try await site.submit(try site.update(assignment, seed: 1), site.client(port))
            #expect(sent.receipt != nil)
        }
        let store = collecting.coordinator.store
        let kept = try await store.objectRecords()
        #expect(kept.count == 2)
        let stray = String(repeating: "ab", count: 32)
        try FileManager.default.createDirectory(
            atPath: store.folder.objects + "/ab", withIntermediateDirectories: true)
        for path in [store.objects.path(of: stray), store.folder.making + "/x", store.folder.uploads + "/y"] {
            try Data("left over".utf8).write(to: URL(filePath: path))
        }
        try await store.access { db in try db.execute(sql: "DELETE FROM object") }
        try store.close()
        let again = try await federation.open()
        let found = try await again.store.objectRecords()
        #expect(found.map(\.reference) == kept.map(\.reference))
        #expect(again.store.objects.size(of: stray) == nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: store.folder.making).isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: store.folder.uploads).isEmpty)
    }

    @Test("a history of 1,000 rounds is taken in within 5 s")
    func longHistory() async throws {
        // On a disk in memory where there is one: a thousand rounds are thousands of transactions.
        let isThere = FileManager.default.isWritableFile(atPath: "/dev/shm")
        let federation = try TestFederation(at: isThere ? "/dev/shm/consilium-\(UUID().uuidString)" : nil)
        let coordinator = try await federation.open()
        let sites = [
            try await federation.site("hospital-a", with: coordinator),
            try await federation.site("hospital-b", with: coordinator),
        ]
        try await coordinator.perform(.createStudy(text: TestFederation.plan(rounds: 1000)))
        let plan = try #require(coordinator.state.studies["glioma"]).planDigest
        for site in sites {
            let consent = Consent(
                federation: TestFederation.name, site: site.name, study: "glioma", plan: plan, agrees: true)
            try await coordinator.perform(.consent(try Signed(consent, by: site.signingKey), from: site.name))
        }
        try await coordinator.perform(.initialModelMade(study: "glioma", model: Self.object(0)))
        try await coordinator.perform(.startStudy(study: "glioma"))
        for round in 1...1000 {
            for (index, site) in sites.enumerated() {
                let assignment = try #require(coordinator.state.assignments(for: site.name).first)
                let update = try site.update(assignment, seed: 1, reference: Self.object(round * 10 + index + 1))
                try await coordinator.perform(.receive(update.header, from: site.name, norm: 1))
            }
            try await Self.doWork(coordinator, candidate: Self.object(round * 10))
            try await Self.doWork(coordinator, candidate: Self.object(round * 10))
        }
        #expect(coordinator.state.studies["glioma"]?.standing == .finished)
        try coordinator.store.close()
        let clock = ContinuousClock()
        let begin = clock.now
        let again = try await federation.open()
        let time = begin.duration(to: clock.now)
        #expect(again.head.sequence >= coordinator.head.sequence && again.head.sequence > 5000)
        #expect(time < .seconds(5), "it took \(time)")
    }

    /// Says that what is to be done was done.
    private static func doWork(_ coordinator: Coordinator, candidate: ObjectReference) async throws {
        for work in coordinator.state.pendingWork {
            switch work {
            case .fold(let fold):
                let verdicts = fold.inputs.map {
                    FoldVerdict(
                        site: $0.site, update: $0.update.digest, outcome: .accepted, factor: 1, weight: $0.weight,
                        reason: "taken")
                }
                try await coordinator.perform(
                    .folded(round: fold.round, verdicts: verdicts, candidate: candidate))
            case .delete(let deletion):
                try await coordinator.perform(.deleted(round: deletion.round, objects: deletion.objects))
            default: break
            }
        }
    }

    private static func object(_ number: Int) -> ObjectReference {
        let digits = String(number)
        return ObjectReference(digest: String(repeating: "0", count: 64 - digits.count) + digits, bytes: 100_000)
    }
}
