import Imaging

/// A cohort as its table of cases says it is: which files, whose, for what, with which labels.
///
/// ```swift
/// let manifest = try Manifest.read("cohort/manifest.csv")
/// let task = try LabelTask(manifest: manifest, column: "idh")
/// let splits = manifest.splits(task: task)
/// ```
package struct Manifest: Sendable, Equatable {
    /// The file it was read from; the folder for a case folder.
    package var source: String
    /// In the order of the rows.
    package var cases: [CaseRecord]
    /// Columns that are a task's label, from left to right.
    package var tasks: [String]
    /// Whether the table says whose each case is; where it does not, every case counts as a patient of its own.
    package var namesPatients: Bool

    package init(source: String, cases: [CaseRecord], tasks: [String] = [], namesPatients: Bool = true) {
        self.source = source
        self.cases = cases
        self.tasks = tasks
        self.namesPatients = namesPatients
    }

    /// Whether the table itself divides the cases.
    package var hasSplit: Bool { cases.contains { $0.split != nil } }

    /// Reads a CSV manifest. No scan is opened.
    /// - Parameter path: the file; paths inside it are relative to its folder.
    /// - Throws: ``CohortError`` naming the file and the row.
    package static func read(_ path: String) throws(CohortError) -> Manifest {
        let bytes = try FileBytes.read(path, limit: CSV.Limits().bytes, what: "manifest")
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        return try parse(bytes, name: path, folder: folder)
    }

    /// Reads the bytes of a CSV manifest: a pure function.
    /// - Parameters:
    ///   - bytes: the text.
    ///   - name: the file's name, for the messages.
    ///   - folder: put before relative paths; empty or ending in `/`.
    package static func parse(_ bytes: [UInt8], name: String, folder: String) throws(CohortError) -> Manifest {
        let rows = try CSV.rows(of: bytes, name: name)
        guard let header = rows.first else {
            throw CohortError(.badManifest, "\(name) is empty: give a header and a row for each case.")
        }
        let columns = try ManifestColumns(header: header.fields, name: name)
        guard rows.count > 1 else {
            throw CohortError(.badManifest, "\(name) has a header and no case: give a row for each case.")
        }
        var cases: [CaseRecord] = []
        cases.reserveCapacity(rows.count - 1)
        var rowOf: [String: Int] = [:]
        for row in rows.dropFirst() {
            let reader = RowReader(row: row, columns: columns, name: name, folder: folder)
            let record = try reader.record()
            if let other = rowOf.updateValue(row.number, forKey: record.id) {
                throw CohortError(
                    .badManifest,
                    "\(name), row \(row.number): case \(record.id) is already in row \(other); name each case once.")
            }
            cases.append(record)
        }
        if cases.contains(where: { $0.split != nil }), let without = cases.first(where: { $0.split == nil }) {
            throw CohortError(
                .badManifest,
                "\(name), row \(without.row ?? 0): the split is empty; fill it in every row or leave the column out.")
        }
        return Manifest(
            source: name, cases: cases, tasks: columns.tasks.map(\.name), namesPatients: columns.known[.patient] != nil)
    }

    /// The split of every case, in the order of `cases`: the table's own, or a division of the patients, the same for what
    /// is checked, trained and tested, whatever their seeds.
    /// - Parameter task: divides patients of each class in the same shares.
    package func splits(task: LabelTask? = nil) -> [Split] {
        var strata: [String: Set<String>] = [:]
        for record in cases {
            strata[record.patient, default: []].formUnion(task.flatMap { record.labels[$0.column] }.map { [$0] } ?? [])
        }
        let divided = Split.divide(strata: strata.mapValues { $0.sorted().joined(separator: "\u{1F}") })
        return cases.map { $0.split ?? divided[$0.patient] ?? .train }
    }

    /// Patients whose cases the table puts into more than one split, sorted: what is learnt on one shows in the other.
    package var patientsInSeveralSplits: [String] {
        var found: [String: Set<Split>] = [:]
        for record in cases {
            if let split = record.split { found[record.patient, default: []].insert(split) }
        }
        return found.filter { $0.value.count > 1 }.keys.sorted()
    }
}
