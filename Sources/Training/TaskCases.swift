package import Cohort

/// The cases of a manifest that have a label of a task.
package struct TaskCases: Sendable {
    package let task: LabelTask
    /// In the order of the manifest.
    package let cases: [LabelledCase]
    /// Cases without a label of the task.
    package let unlabelled: Int
    /// Whether the manifest says which split a case is in.
    package let hasSplit: Bool

    /// - Parameters:
    ///   - path: the manifest's file.
    ///   - column: the label column.
    ///   - classes: its values, in the order of the model's outputs.
    /// - Throws: `CohortError` when the manifest cannot be used or a label is none of the classes, ``TrainingError``
    ///   when a patient is in several splits; each names the file, and the row or the patients.
    package init(manifest path: String, column: String, classes: [String]) throws {
        let manifest = try Manifest.read(path)
        guard manifest.tasks.contains(column) else {
            throw CohortError(
                .badLabel, "\(path) has no label column \"\(column)\": add it, with one of \(classes) for each case.")
        }
        try self.init(manifest, path, LabelTask(column: column, classes: classes))
    }

    /// The same with the classes that the column has.
    package init(manifest path: String, column: String) throws {
        let manifest = try Manifest.read(path)
        try self.init(manifest, path, LabelTask(manifest: manifest, column: column))
    }

    private init(_ manifest: Manifest, _ path: String, _ task: LabelTask) throws {
        try Self.requireOneSplitEach(manifest, path)
        let splits = manifest.splits(task: task)
        cases = try zip(manifest.cases, splits).compactMap { record, split in
            try task.label(of: record).map { LabelledCase(record: record, label: $0, split: split) }
        }
        unlabelled = manifest.cases.count - cases.count
        hasSplit = manifest.hasSplit
        self.task = task
    }

    /// All cases of a manifest, which pretraining needs no label of, as if they were of one class.
    ///
    /// A patient whom the test split of any label column would hold is left out: what was seen in pretraining is no test
    /// any more. Of the others, those are for choosing who are so for any column.
    /// - Throws: `CohortError` when the manifest cannot be used, ``TrainingError`` when a patient is in several splits.
    package init(forPretraining path: String) throws {
        let manifest = try Manifest.read(path)
        try Self.requireOneSplitEach(manifest, path)
        var patients: [Split: Set<String>] = [:]
        let tasks: [LabelTask?] =
            manifest.hasSplit ? [nil] : manifest.tasks.compactMap { try? LabelTask(manifest: manifest, column: $0) }
        for task in tasks.isEmpty ? [nil] : tasks {
            for (record, split) in zip(manifest.cases, manifest.splits(task: task)) {
                patients[split, default: []].insert(record.patient)
            }
        }
        task = LabelTask(column: "pretraining", classes: ["case"])
        cases = manifest.cases.map { record in
            let split = [Split.test, .select].first { patients[$0]?.contains(record.patient) == true } ?? .train
            return LabelledCase(record: record, label: 0, split: split)
        }
        unlabelled = 0
        hasSplit = manifest.hasSplit
    }

    /// Needs splits by the manifest: those made by patient follow the patients and labels of the table, so that cases a
    /// model was trained on by another table could be taken for others.
    /// - Throws: `CohortError`.
    package func requireSplits(of path: String) throws(CohortError) {
        guard hasSplit else {
            throw CohortError(
                .badManifest,
                "\(path) has no split column, so which cases were trained on is not known: add the column, with train, "
                    + "select or test.")
        }
    }

    private static func requireOneSplitEach(_ manifest: Manifest, _ path: String) throws(TrainingError) {
        let mixed = manifest.patientsInSeveralSplits
        guard mixed.isEmpty else {
            throw TrainingError(
                .data,
                "\(path) has patients in more than one split (\(mixed.prefix(3).joined(separator: ", "))): a model would "
                    + "be tested on people it was trained on; keep each patient in one split")
        }
    }

    /// Cases of a split.
    package func of(_ split: Split) -> [LabelledCase] { cases.filter { $0.split == split } }

    /// How many cases of a split each class has.
    package func counts(_ split: Split) -> [Int] {
        var counts = [Int](repeating: 0, count: task.classes.count)
        for labelled in cases where labelled.split == split { counts[labelled.label] += 1 }
        return counts
    }
}
