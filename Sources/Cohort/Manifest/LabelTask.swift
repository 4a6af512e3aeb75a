/// What is to be predicted: a column of the manifest and its classes, in the order of the model's outputs.
package struct LabelTask: Sendable, Equatable, Codable {
    /// The manifest's column.
    package var column: String
    /// Class names; a class's position is its number.
    package var classes: [String]

    /// The most classes a task may have; a column with more is a measurement or a name.
    package static let mostClasses = 64

    /// A task whose classes are known, such as that of a trained model.
    package init(column: String, classes: [String]) {
        self.column = column
        self.classes = classes
    }

    /// Finds a task's classes in a manifest: numbers in rising order, then texts in Unicode order.
    ///
    /// A cohort of one class is a task too; what trains on it should refuse it.
    /// - Throws: ``CohortError`` when there is no such column, no label, too many, a label that means "unknown", or one
    ///   class written in two ways.
    package init(manifest: Manifest, column: String) throws(CohortError) {
        guard manifest.tasks.contains(column) else {
            let there =
                manifest.tasks.isEmpty
                ? "add it, as the table has none" : "choose one of \(manifest.tasks.joined(separator: ", "))"
            throw CohortError(.badLabel, "\(manifest.source) has no label column \"\(column)\": \(there).")
        }
        var firstRow: [String: CaseRecord] = [:]
        for record in manifest.cases {
            guard let label = record.labels[column] else { continue }
            if Self.unknownWords.contains(label.lowercased()) {
                throw CohortError(
                    .badLabel,
                    "\(manifest.source), row \(record.row ?? 0): \(column) is \"\(label)\"; leave a label that is not known empty."
                )
            }
            if firstRow[label] == nil { firstRow[label] = record }
        }
        guard !firstRow.isEmpty else {
            throw CohortError(
                .badLabel, "\(manifest.source): no case has a label in column \(column); fill it or choose another.")
        }
        guard firstRow.count <= Self.mostClasses else {
            throw CohortError(
                .badLabel,
                "\(manifest.source): column \(column) has \(firstRow.count) different values; a task has at most \(Self.mostClasses) classes; group them or choose another column."
            )
        }
        var spellings: [String: String] = [:]
        for label in firstRow.keys.sorted() {
            let key = Double(label).map { "\($0)" } ?? label.lowercased()
            if let other = spellings.updateValue(label, forKey: key) {
                throw CohortError(
                    .badLabel,
                    "\(manifest.source), row \(firstRow[label]?.row ?? 0): \(column) is \"\(label)\" and \"\(other)\" elsewhere (row \(firstRow[other]?.row ?? 0)); write one class one way."
                )
            }
        }
        self.column = column
        classes = firstRow.keys.sorted(by: Self.precedes)
    }

    /// The number of a case's class, nil when the case has no label for this task.
    /// - Throws: ``CohortError`` naming the row when the label is none of the classes.
    package func label(of record: CaseRecord) throws(CohortError) -> Int? {
        guard let label = record.labels[column] else { return nil }
        guard let index = classes.firstIndex(of: label) else {
            let place = record.row.map { "\(record.source ?? "Manifest"), row \($0)" } ?? "Case \(record.id)"
            throw CohortError(
                .badLabel,
                "\(place): \(column) is \"\(label)\", which is none of the task's classes (\(classes.joined(separator: ", "))); correct it or leave it empty."
            )
        }
        return index
    }

    /// What spreadsheets and statistics programs write for "unknown": never a class.
    private static let unknownWords: Set<String> = ["na", "n/a", "nan", "null", "unknown", "?", "-", "#n/a"]

    /// Numbers before texts; numbers by value, texts by their Unicode scalars, on every machine alike.
    private static func precedes(_ a: String, _ b: String) -> Bool {
        switch (Double(a), Double(b)) {
        case (let x?, let y?): x < y
        case (_?, nil): true
        case (nil, _?): false
        case (nil, nil): a.unicodeScalars.lexicographicallyPrecedes(b.unicodeScalars)
        }
    }
}
