import Imaging

/// What the columns of a manifest mean: those with a meaning of their own, and the tasks, which are all others.
struct ManifestColumns {
    /// The columns with a meaning of their own.
    enum Known: String, CaseIterable {
        case id = "case"
        case patient, volume, brain, mask, split, timepoint, treatment, age, sex, scanner, field
        case t1w = "T1w"
        case t1c = "T1c"
        case t2w = "T2w"
        case flair = "FLAIR"
        case labelMethod = "label_method"

        /// The contrast whose files the column names.
        var contrast: Contrast? { Contrast(rawValue: rawValue) }
    }

    /// Position of each known column that is there.
    let known: [Known: Int]
    /// Name and position of every other column, from left to right.
    let tasks: [(name: String, index: Int)]

    /// Reads the header. Known columns are known in any letter case: `T1W` must not become a task.
    init(header: [String], name: String) throws(CohortError) {
        var known: [Known: Int] = [:]
        var tasks: [(name: String, index: Int)] = []
        var seen = Set<String>()
        for (index, field) in header.enumerated() {
            let title = field.trimmed
            guard !title.isEmpty else {
                throw CohortError(
                    .badManifest, "\(name), row 1: column \(index + 1) has no name; name it or remove it.")
            }
            guard title.utf8.count <= 64, !title.unicodeScalars.contains(where: { $0.value < 0x20 }) else {
                throw CohortError(
                    .badManifest,
                    "\(name), row 1: the name of column \(index + 1) is longer than 64 bytes or not text; shorten it."
                )
            }
            guard seen.insert(title.lowercased()).inserted else {
                throw CohortError(.badManifest, "\(name), row 1: there are two columns \"\(title)\"; keep one.")
            }
            if let column = Known.allCases.first(where: { $0.rawValue.lowercased() == title.lowercased() }) {
                known[column] = index
            } else {
                tasks.append((title, index))
            }
        }
        if known[.id] == nil {
            let hint =
                header.count == 1 && header[0].contains(where: { ";\t".contains($0) })
                ? "the fields are not separated by commas; save it as comma-separated values" : "name each case in one"
            throw CohortError(.badManifest, "\(name), row 1: there is no column \"case\"; \(hint).")
        }
        self.known = known
        self.tasks = tasks
    }
}

extension String {
    /// Without white space at either end.
    var trimmed: String {
        guard let first = firstIndex(where: { !$0.isWhitespace }), let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[first...last])
    }
}
