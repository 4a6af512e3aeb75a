import Imaging

/// Reads one row of a manifest into a case.
struct RowReader {
    let row: CSV.Row
    let columns: ManifestColumns
    let name: String
    let folder: String

    private func fail(_ what: String) -> CohortError {
        CohortError(.badManifest, "\(name), row \(row.number): \(what).")
    }

    /// The field of a known column; nil where the column is absent or the field blank.
    private func text(_ column: ManifestColumns.Known) -> String? {
        guard let index = columns.known[column] else { return nil }
        let value = row.fields[index].trimmed
        return value.isEmpty ? nil : value
    }

    /// A file's path; relative ones are relative to the manifest.
    private func path(_ column: ManifestColumns.Known) -> String? {
        guard let value = text(column) else { return nil }
        return value.hasPrefix("/") ? value : folder + value
    }

    /// The case of this row.
    func record() throws(CohortError) -> CaseRecord {
        guard let id = text(.id) else { throw fail("the case has no name; give each case one") }
        guard CaseRecord.isUsable(id: id) else {
            throw fail(
                "rename the case: its name must be 1 to 128 bytes without \"/\" or control characters and not begin with a full stop"
            )
        }
        if columns.known[.patient] != nil, text(.patient) == nil {
            throw fail("case \(id) names no patient; fill it in, as cases of one patient must stay in one split")
        }
        var record = CaseRecord(id: id, patient: text(.patient), row: row.number)
        record.source = name
        for column in ManifestColumns.Known.allCases {
            if let contrast = column.contrast, let file = path(column) { record.paths.contrasts[contrast] = file }
        }
        record.paths.volume = path(.volume)
        record.paths.brain = path(.brain)
        record.mask = path(.mask)
        if record.paths.volume != nil, !record.paths.contrasts.isEmpty {
            throw fail("case \(id) names a volume and single contrasts; give one or the other")
        }
        record.split = try split()
        record.facts = try facts()
        for (task, index) in columns.tasks {
            let label = row.fields[index].trimmed
            guard !label.isEmpty else { continue }
            if [".nii", ".nii.gz", ".hdr", ".img", ".mha", ".nrrd", ".mgz"].contains(
                where: label.lowercased().hasSuffix)
            {
                throw fail("column \(task) holds a file; scans go into T1w, T1c, T2w, FLAIR or volume")
            }
            record.labels[task] = label
        }
        return record
    }

    private func split() throws(CohortError) -> Split? {
        guard let value = text(.split) else { return nil }
        guard let split = Split(rawValue: value.lowercased()) else {
            throw fail("the split is \"\(value)\" ; write train, select or test")
        }
        return split
    }

    private func facts() throws(CohortError) -> CaseRecord.Facts {
        var facts = CaseRecord.Facts()
        facts.timepoint = text(.timepoint)
        facts.treatment = text(.treatment)
        facts.labelMethod = text(.labelMethod)
        facts.scanner = text(.scanner)
        facts.sex = text(.sex).map { value in
            switch value.lowercased() {
            case "f", "female", "w", "woman": "female"
            case "m", "male", "man": "male"
            default: value
            }
        }
        if let value = text(.age) { facts.age = try number(value, in: 0...130, unit: "y+", what: "age", of: "years") }
        if let value = text(.field) {
            facts.field = try number(value, in: 0.01...20, unit: "t", what: "field", of: "tesla")
        }
        return facts
    }

    /// A number that may carry its unit: `3 T`, `3.0`, DICOM's `045Y`, `90+`.
    private func number(
        _ value: String, in range: ClosedRange<Double>, unit: String, what: String, of name: String
    ) throws(CohortError) -> Double {
        var digits = value.lowercased()
        while let last = digits.last, unit.contains(last) || last.isWhitespace { digits.removeLast() }
        guard let number = Double(digits), range.contains(number) else {
            throw fail("the \(what) is \"\(value)\" ; give a number of \(name), or leave it empty if unknown")
        }
        return number
    }
}

extension CaseRecord {
    /// Whether a name can stand for a case in sentences and as the name of a file.
    static func isUsable(id: String) -> Bool {
        (1...128).contains(id.utf8.count) && !id.hasPrefix(".")
            && !id.unicodeScalars.contains { $0 == "/" || $0.value < 0x20 || $0.value == 0x7F }
    }
}
