import Dispatch
package import Imaging
import NIfTI
import Synchronization

/// Reads a whole cohort once and says what is in it and what is wrong with it.
///
/// ```swift
/// let report = try CohortCheck(manifest: manifest, recipe: Recipe()).run()
/// print(report.text)
/// ```
package struct CohortCheck: Sendable {
    package let manifest: Manifest
    /// The task asked for; nil looks at every label column.
    package let task: LabelTask?
    package let recipe: Recipe
    /// Cases read at the same time, each with its voxels in memory.
    package let threads: Int

    /// - Parameter column: the task's column; nil looks at every label column.
    /// - Throws: ``CohortError`` when the column makes no task.
    package init(
        manifest: Manifest, column: String? = nil, recipe: Recipe, threads: Int = Preparation.defaultThreads
    ) throws(CohortError) {
        self.manifest = manifest
        if let column { task = try LabelTask(manifest: manifest, column: column) } else { task = nil }
        self.recipe = recipe
        self.threads = max(1, threads)
    }

    /// What a case's turn brought, without its voxels.
    private struct Found: Sendable {
        var report: CaseReport
        var fingerprints: [(contrast: Contrast, fingerprint: VoxelFingerprint)]
        var thumbnails: [Contrast: [Float]]
    }

    /// Reads every file.
    /// - Parameters:
    ///   - picture: gets each case that can be prepared, to draw it; may be called from several threads at once.
    ///   - progress: gets the number of cases done, from one thread at a time.
    /// - Throws: what `picture` throws.
    package func run(
        picture: (@Sendable (CaseRecord, PreparedVolume) throws -> Void)? = nil,
        progress: (@Sendable (Int) -> Void)? = nil
    ) throws -> CohortReport {
        var found = try readAll(picture: picture, progress: progress)
        var cohort = CohortFindings(manifest: manifest)
        cohort.leaks(into: &found.reports)
        cohort.copies(found.fingerprints, into: &found.reports)
        cohort.handedness(into: &found.reports)
        cohort.sides(found.thumbnails, into: &found.reports)
        cohort.spellings()
        cohort.names()
        cohort.grids(found.reports)

        var tasks: [LabelTask] = []
        if let task {
            tasks = [task]
        } else {
            for column in manifest.tasks {
                do {
                    tasks.append(try LabelTask(manifest: manifest, column: column))
                } catch {
                    cohort.findings.append(.warning(.label, error.message))
                }
            }
        }
        let shown = tasks.count == 1 ? tasks[0] : nil
        let splits = manifest.splits(task: shown)
        // Each task is divided by its own classes, as a fit of it would.
        for task in tasks {
            cohort.classes(of: task, splits: manifest.splits(task: task), isAsked: self.task != nil)
        }
        let models = tasks.compactMap { TrivialModel(manifest: manifest, reports: found.reports, task: $0) }
        for model in models where model.isShortcut { cohort.findings.append(.warning(.shortcut, model.sentence)) }
        let table = TableOne(
            zip(zip(manifest.cases, splits), found.reports).map { pair, report in
                let missing = Contrast.allCases.filter { !report.contrasts.contains($0) }.map(\.rawValue)
                return (pair.0, pair.1, missing)
            }, task: shown)
        return CohortReport(
            manifest: manifest.source, recipe: recipe.summary, task: shown, cases: found.reports,
            findings: cohort.findings, tableOne: table, trivialModels: models)
    }

    private func readAll(
        picture: (@Sendable (CaseRecord, PreparedVolume) throws -> Void)?, progress: (@Sendable (Int) -> Void)?
    ) throws -> (
        reports: [CaseReport], fingerprints: [[(contrast: Contrast, fingerprint: VoxelFingerprint)]],
        thumbnails: [[Contrast: [Float]]]
    ) {
        let cases = manifest.cases
        let next = Atomic<Int>(0)
        let results = Mutex<[Int: Result<Found, any Error>]>([:])
        DispatchQueue.concurrentPerform(iterations: min(threads, cases.count)) { _ in
            while true {
                let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard index < cases.count else { return }
                let result = Result {
                    let check = CaseCheck(cases[index], recipe: recipe, task: task)
                    if let prepared = check.prepared { try picture?(cases[index], prepared) }
                    return Found(
                        report: check.report, fingerprints: check.fingerprints, thumbnails: check.thumbnails)
                }
                results.withLock {
                    $0[index] = result
                    progress?($0.count)
                }
            }
        }
        let found = try results.withLock { results in try cases.indices.compactMap { try results[$0]?.get() } }
        return (found.map(\.report), found.map(\.fingerprints), found.map(\.thumbnails))
    }
}
