import AgentService
import Cryptography
import Federation
import Foundation
import Identity
import Synchronization
import Testing
import Weights

/// A site with a coordinator it can reach without a network, in a folder that is gone after the test.
final class SiteFixture: Sendable {
    static let plan = """
        name: tumour
        task: tumour
        classes: [no, yes]
        initial: {preset: small, seed: 7}
        rounds: 10
        governance:
          purpose: Show that a federation learns.
          data_declared: synthetic

        """
    /// A plan over patients' data, with its governance.
    static let agreement = """
        name: tumour
        task: tumour
        classes:
          - {name: no, definition: no tumour, labels: by histology}
          - {name: yes, definition: a tumour, labels: by histology}
        positive: yes
        initial: {preset: small, seed: 7}
        rounds: 10
        governance:
          purpose: Grade tumours.
          controllers: [University of A]
          approvals: {hospital-a: 2026/17, hospital-b: 2026/18}
          retention: ten years
          expiry: 2099-12-31
          release_rights: the board
          data_declared: agreement
          open_mode_agreed: true

        """
    static let round = RoundReference(study: "tumour", round: 1, attempt: 1)

    let folder: StateFolder
    let coordinator = FakeCoordinator()
    let lines = Mutex<[String]>([])

    init(folder: StateFolder) { self.folder = folder }

    static func with(_ settings: String, _ body: (SiteFixture) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("site-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let fixture = SiteFixture(folder: StateFolder(path))
        try fixture.folder.make()
        try Data(settings.utf8).write(to: URL(fileURLWithPath: fixture.folder.configuration))
        try await body(fixture)
    }

    /// Everything automatic, with data.
    static let willing = """
        data: /nowhere/manifest.csv
        approve: {consent: automatic, update: automatic, evaluation: automatic, release: automatic}
        origin: synthetic

        """

    /// Runs an agent while the body runs; ended abruptly afterwards as a killed process would be, but for its memory.
    func running(_ body: (Surroundings) async throws -> Void) async throws {
        let around = Surroundings(
            site: try Site(folder), identity: try coordinator.identity(),
            configuration: try AgentConfiguration.read(folder.configuration),
            narrator: Narrator { line in self.lines.withLock { $0.append(line) } })
        let run = AgentRun(around: around, link: coordinator, configurationPath: folder.configuration)
        let task = Task { await run.run() }
        do { try await body(around) } catch {
            task.cancel()
            await task.value
            throw error
        }
        task.cancel()
        await task.value
    }

    /// Waits for something that comes by itself.
    func until(
        _ what: String, seconds: Int = 20, _ condition: () throws -> Bool,
        at place: SourceLocation = #_sourceLocation
    ) async throws {
        let end = ContinuousClock().now + .seconds(seconds)
        while try !condition() {
            guard ContinuousClock().now < end else {
                Issue.record("\(what): not within \(seconds) s; said: \(lines.withLock { $0 })", sourceLocation: place)
                throw CancellationError()
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    // MARK: What the coordinator offers

    func offer(_ text: String = plan, version: Int = 1, standing: StudyOffer.Standing = .invited) throws -> StudyOffer {
        let document = PlanDocument(
            federation: FakeCoordinator.federation, study: "tumour", version: version,
            digest: StudyPlan.digest(of: text),
            text: text)
        return StudyOffer(
            name: "tumour", plan: try Signed(document, by: coordinator.key), standing: standing, state: "collecting",
            round: 1)
    }

    /// A model of two tensors, which the coordinator has from then on.
    func base(value: Float = 1) throws -> ObjectReference {
        let path = folder.path + "/base-\(value)"
        try Self.write([("a", [2, 3]), ("head.b", [5])], value: value, to: path)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        let digest = Array(bytes).withUnsafeBytes { SHA256.hex(of: $0) }
        coordinator.set { $0.objects[digest] = Array(bytes) }
        return ObjectReference(digest: digest, bytes: bytes.count)
    }

    func assignment(
        _ kind: Assignment.Kind = .train, round: RoundReference = round, base: ObjectReference,
        candidate: ObjectReference? = nil, plan: String = plan
    ) -> Assignment {
        Assignment(
            federation: FakeCoordinator.federation, site: FakeCoordinator.site, kind: kind, round: round,
            plan: StudyPlan.digest(of: plan), base: base, candidate: candidate, globalStep: 0, issued: Timestamp(Date())
        )
    }

    func assign(_ assignment: Assignment) throws {
        let signed = try Signed(assignment, by: coordinator.key)
        coordinator.set { $0.assignments.append(signed) }
    }

    // MARK: The worker's part

    static func write(_ tensors: [(String, [Int])], value: Float, to path: String, metadata: [String: String] = [:])
        throws
    {
        var data = Data()
        var entries: [String: Any] = metadata.isEmpty ? [:] : ["__metadata__": metadata]
        for (name, shape) in tensors {
            let start = data.count
            for _ in 0..<shape.reduce(1, *) {
                withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) }
            }
            entries[name] = ["dtype": "F32", "shape": shape, "data_offsets": [start, data.count]]
        }
        var header = try JSONSerialization.data(withJSONObject: entries, options: .sortedKeys)
        while header.count % 8 != 0 { header.append(32) }
        var file = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) }
        file.append(header)
        file.append(data)
        try file.write(to: URL(fileURLWithPath: path))
    }

    /// Does a task as a worker would, with an update of one value everywhere.
    func work(
        _ round: RoundReference = round, value: Float = 0.5, samples: Int = 40, metadata: [String: String] = [:],
        tensors: [(String, [Int])] = [("a", [2, 3]), ("head.b", [5])], lacking: [String]? = nil, notes: [String] = []
    ) async throws {
        let exchange = TaskFolder(state: folder.path, round: round, kind: .train)
        try await until("the task is handed over") {
            FileManager.default.fileExists(atPath: exchange.path + "/task.json")
        }
        try Self.write(tensors, value: value, to: exchange.update, metadata: metadata)
        let size = try Data(contentsOf: URL(fileURLWithPath: exchange.update)).count
        let made = WorkerResult.Update(
            bytes: size, encoding: .f32, samples: samples, steps: 10, loss: 0.5, lacking: lacking, norm: 1, norms: [])
        try exchange.report(WorkerProgress(phase: .training, done: 10, total: 10, notes: notes))
        try exchange.finish(WorkerResult(.update(made), of: try exchange.task()))
    }
}
