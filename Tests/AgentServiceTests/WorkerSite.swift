import AgentService
import Cohort
import Compute
import Cryptography
import Encoder
import Federation
import Foundation
import Imaging
import Training
import Weights

/// A site with made scans, a tiny base model and a state folder of its own.
struct WorkerSite {
    let folder: String
    var state: String { folder + "/state" }
    let base: WorkerTask.Model

    static let encoder = EncoderConfiguration(imageSize: 16, patchSize: 8, hidden: 32, heads: 4, layers: 1, mlp: 64)

    /// 40 made visits over two sites, made once for all tests.
    private static let cohort: String = {
        let path = NSTemporaryDirectory() + "worker-cohort-\(getpid())"
        do { try SyntheticCohort(cases: 40, sites: 2, seed: 3, size: 32).write(to: path, threads: 2) } catch {
            preconditionFailure("no cohort: \(error)")
        }
        atexit { try? FileManager.default.removeItem(atPath: NSTemporaryDirectory() + "worker-cohort-\(getpid())") }
        return path
    }()

    /// Runs a test in a folder that is gone afterwards.
    static func with(_ body: (WorkerSite) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "worker-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder + "/state", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(WorkerSite(folder: folder, base: try model(folder + "/base.safetensors")))
    }

    private init(folder: String, base: WorkerTask.Model) {
        self.folder = folder
        self.base = base
    }

    /// A model drawn by a seed.
    /// - Parameter change: may change its numbers.
    static func model(_ path: String, change: (inout Float) -> Void = { _ in }) throws -> WorkerTask.Model {
        let configuration = ModelConfiguration(encoder: encoder, head: .mean(classes: 2))
        let layout = ParameterLayout(configuration)
        let store = try ParameterStore(layout, device: try Device(precision: .fp32, threads: 1))
        store.initialise(seed: 4)
        var values = [Float](repeating: 0, count: layout.count)
        values.withUnsafeMutableBufferPointer { buffer in
            guard let first = buffer.baseAddress else { return }
            store.read(0..<layout.count, into: first)
            for i in buffer.indices { change(&buffer[i]) }
            store.write(0..<layout.count, from: first)
        }
        let digest = try ModelFile.save(
            store, as: ModelDescription(configuration: configuration, task: "bright", classes: ["no", "yes"]), to: path)
        return WorkerTask.Model(path: path, digest: digest)
    }

    /// The base with an update added to it, as a federation of one site makes the next model.
    func apply(_ update: SafetensorsFile) throws -> WorkerTask.Model {
        let base = try ModelFile(base.path)
        let store = try ParameterStore(
            ParameterLayout(base.description.configuration), device: try Device(precision: .fp32, threads: 1))
        _ = try base.load(into: store)
        for tensor in update.tensors {
            guard let parameter = store.layout[tensor.name] else { continue }
            let sum = zip(try base.file.floats(tensor.name), try update.floats(tensor.name)).map { $0 + $1 }
            sum.withUnsafeBufferPointer { values in
                if let first = values.baseAddress { store.write(parameter.range, from: first) }
            }
        }
        let path = folder + "/candidate.safetensors"
        return WorkerTask.Model(path: path, digest: try ModelFile.save(store, as: base.description, to: path))
    }

    /// Writes a manifest of the cohort's scans with labels and splits of the test's own.
    /// - Parameters:
    ///   - site: 1 or 2.
    ///   - row: the label and the split of a number of a case.
    func manifest(site: Int? = nil, _ row: (Int) -> (label: String, split: Split)) throws -> String {
        let made = try Manifest.read(Self.cohort + (site.map { "/site-\($0)" } ?? "") + "/manifest.csv")
        var text = "case,patient,T1w,T1c,T2w,FLAIR,brain,split,bright\n"
        for (i, record) in made.cases.enumerated() {
            let (label, split) = row(i)
            let scans = ["T1w", "T1c", "T2w", "FLAIR"].map { name in
                record.paths.contrasts.first { $0.key.rawValue == name }?.value ?? ""
            }
            let fields = ["case-\(i)", "case-\(i)"] + scans + [record.paths.brain ?? "", split.rawValue, label]
            text += fields.joined(separator: ",") + "\n"
        }
        let path = folder + "/manifest-\(UUID().uuidString).csv"
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }

    /// Every other case is a `yes`; all train.
    func trainingManifest(site: Int? = nil) throws -> String {
        try manifest(site: site) { ($0 % 2 == 0 ? "no" : "yes", .train) }
    }

    static func plan(_ training: String = "steps: 6", more: String = "") -> String {
        """
        name: study
        task: bright
        classes: ["no", "yes"]
        recipe: {name: consilium, size: 16}
        initial: {preset: small, seed: 1}
        rounds: 3
        encoding: f32
        training: {\(training), batch: 2, accumulate: 2, rate: 0.003, precision: fp32, threads: 2}
        \(more)
        seed: 9
        governance: {purpose: a test, data_declared: synthetic}

        """
    }

    func task(
        _ kind: Assignment.Kind = .train, plan: String = plan(), data: String?, candidate: WorkerTask.Model? = nil,
        site: String = "hospital-a", minimumCases: Int = 0, trainer: WorkerTask.Trainer = .builtIn,
        checkpointSeconds: Double = 600
    ) -> WorkerTask {
        WorkerTask(
            kind: kind, site: site, round: RoundReference(study: "study", round: 1, attempt: 1), plan: plan,
            planDigest: StudyPlan.digest(of: plan), base: base, candidate: candidate, globalStep: 0, data: data,
            minimumCases: minimumCases, trainer: trainer, checkpointSeconds: checkpointSeconds, software: "agent test")
    }

    /// Hands a task to a worker and waits for what comes of it.
    func result(_ task: WorkerTask) throws -> WorkerResult {
        let folder = TaskFolder(state: state, round: task.round, kind: task.kind)
        try folder.submit(task)
        try Worker(state: state).run(untilDone: true)
        guard let result = try folder.result() else { throw ExchangeError("there is no result") }
        return result
    }

    func refusal(_ task: WorkerTask) throws -> WorkerResult.Refusal? {
        if case .refusal(let refusal) = try result(task).outcome { return refusal }
        return nil
    }

    /// SHA-256 of the update that a task left.
    func digest(_ task: WorkerTask) -> String? {
        Self.digest(TaskFolder(state: state, round: task.round, kind: task.kind))
    }

    static func digest(_ folder: TaskFolder) -> String? { SHA256.hex(ofFile: folder.update) }

    func update(_ task: WorkerTask) throws -> WorkerResult.Update? {
        let result = try result(task)
        if case .update(let update) = result.outcome { return update }
        throw ExchangeError("there is no update: \(result.outcome)")
    }
}
