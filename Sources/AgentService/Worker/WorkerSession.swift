import Cohort
import Encoder
import Federation
import Foundation
import Glibc
import Training
import Weights

/// One task under way.
struct WorkerSession {
    let task: WorkerTask
    let folder: TaskFolder
    let cache: PreparedCache
    let shouldStop: () -> Bool
    let progress: ProgressFile

    init(task: WorkerTask, folder: TaskFolder, cache: PreparedCache, shouldStop: @escaping () -> Bool) {
        self.task = task
        self.folder = folder
        self.cache = cache
        self.shouldStop = shouldStop
        progress = ProgressFile(folder)
    }

    /// - Returns: nil when asked to stop.
    /// - Throws: what ``WorkerResult/Refusal/init(_:)`` makes a refusal of.
    func perform() throws -> WorkerResult? {
        guard StudyPlan.digest(of: task.plan) == task.planDigest else {
            throw WorkerResult.Refusal(.failed, "The plan's text does not have the digest of the assignment.")
        }
        let plan = try StudyPlan.parse(task.plan)
        mkdir(folder.scratch, 0o700)
        switch (task.kind, task.trainer) {
        case (.rehearse, _): return try rehearse(plan)
        case (.evaluate, _): return try evaluate(plan)
        case (.train, .builtIn): return try train(plan)
        case (.train, .external(let command)): return try train(plan, by: command)
        }
    }

    /// The site's cases with a label of the task.
    func labelledCases(_ plan: StudyPlan) throws -> TaskCases {
        guard let data = task.data else { throw WorkerResult.Refusal(.data, "No data is set for this study.") }
        if plan.objective != nil { return try TaskCases(forPretraining: data) }
        return try TaskCases(manifest: data, column: plan.task, classes: plan.classes.map(\.name))
    }

    /// Training cases of each class; refuses when there are too few.
    func requireTrainingCases(_ cases: TaskCases) throws(WorkerResult.Refusal) {
        let counts = cases.counts(.train)
        guard counts.reduce(0, +) >= EgressLimits.standard.leastCases else {
            throw WorkerResult.Refusal(
                .cases, "The site has fewer than \(EgressLimits.standard.leastCases) training cases.",
                local: "The manifest has \(counts.reduce(0, +)) training cases with a \(cases.task.column) label")
        }
        guard counts.allSatisfy({ $0 >= task.minimumCases }) else {
            throw WorkerResult.Refusal(
                .cases, "The site has fewer training cases of a class than its policy asks for.",
                local: "Training cases: "
                    + zip(cases.task.classes, counts).map { "\($0) \($1)" }.joined(separator: ", ")
                    + "; the policy asks for \(task.minimumCases) of each")
        }
    }

    /// Begins to show how far training is, with what of the plan the site's cases can hardly serve.
    /// - Returns: contrasts of the plan that too few training cases have, nil for none.
    func beginTraining(_ cases: TaskCases, _ plan: StudyPlan) -> [String]? {
        let gaps = DataGaps(cases, plan, manifest: task.data ?? "")
        progress.notes = gaps.notes
        progress.show(.training, 0, of: 1)
        return gaps.contrasts.isEmpty ? nil : gaps.contrasts
    }

    /// The result for an update that lies in the folder.
    func result(
        bytes: Int, norm: Double, norms: [DeltaWriter.TensorNorm], encoding: UpdateEncoding,
        samples: Int, steps: Int, loss: Double?, lacking: [String]? = nil, device: String?
    ) -> WorkerResult {
        WorkerResult(
            .update(
                WorkerResult.Update(
                    bytes: bytes, encoding: encoding, samples: samples, steps: steps, loss: loss, lacking: lacking,
                    norm: norm, norms: norms)), of: task, device: device)
    }
}

/// The progress file, written at most twice a second and at the end.
final class ProgressFile {
    private let folder: TaskFolder
    private var last: ContinuousClock.Instant?
    /// What stands with whatever is shown from now on.
    var notes: [String] = []

    init(_ folder: TaskFolder) { self.folder = folder }

    func show(_ phase: Activity.Phase, _ done: Int, of total: Int, loss: String? = nil) {
        let now = ContinuousClock.now
        if let last, now - last < .milliseconds(500), done < total { return }
        last = now
        // Progress is for people to look at: that it cannot be written shows where it matters.
        try? folder.report(WorkerProgress(phase: phase, done: done, total: total, loss: loss, notes: notes))
    }
}
