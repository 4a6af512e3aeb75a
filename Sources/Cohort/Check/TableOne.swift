/// Who is in the cohort, counted by class: what a paper prints as its table 1.
///
/// Counts under five are withheld, for a person can be recognised by being one of few; where one could be worked out from
/// the total and the other counts of its class, the next smallest are withheld too, as long as there are any.
package struct TableOne: Sendable, Equatable, Codable {
    /// A count, or that it is withheld.
    package enum Cell: Sendable, Equatable, Codable {
        case count(Int)
        /// Zero to four.
        case few
        /// Five or more, withheld to keep a `few` from being worked out.
        case withheld

        package init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let count = try? value.decode(Int.self) {
                self = .count(count)
            } else {
                self = try value.decode(String.self) == "<\(TableOne.fewest)" ? .few : .withheld
            }
        }

        package func encode(to encoder: any Encoder) throws {
            var value = encoder.singleValueContainer()
            if case .count(let count) = self { try value.encode(count) } else { try value.encode(text) }
        }

        /// `12`, `<5` or `n/s` (not shown).
        package var text: String {
            switch self {
            case .count(let count): "\(count)"
            case .few: "<\(TableOne.fewest)"
            case .withheld: "n/s"
            }
        }
    }

    /// One value of one property, such as `sex: female`.
    package struct Row: Sendable, Equatable, Codable {
        package var property: String
        package var value: String
        /// One a column of ``TableOne/columns``.
        package var cells: [Cell]
    }

    /// The smallest count that is shown.
    package static let fewest = 5

    /// The classes of the task, or `all` without one.
    package var columns: [String]
    package var rows: [Row]

    /// Counts cases, not patients.
    /// - Parameters:
    ///   - cases: each with its split and the contrasts it lacks; cases without a label are counted in no class.
    package init(_ cases: [(record: CaseRecord, split: Split, missing: [String])], task: LabelTask?) {
        let columns = task?.classes ?? ["all"]
        func column(_ record: CaseRecord) -> Int? {
            guard let task else { return 0 }
            return record.labels[task.column].flatMap { task.classes.firstIndex(of: $0) }
        }
        var rows: [Row] = []
        func tabulate(_ property: String, _ values: [String]? = nil, _ value: (CaseRecord, Split, [String]) -> String) {
            var counts: [String: [Int]] = [:]
            for name in values ?? [] { counts[name] = [Int](repeating: 0, count: columns.count) }
            for (record, split, missing) in cases {
                guard let column = column(record) else { continue }
                counts[value(record, split, missing), default: [Int](repeating: 0, count: columns.count)][column] += 1
            }
            let known = (values ?? []).filter { counts[$0] != nil }
            let names =
                known
                + counts.keys.filter { !known.contains($0) }.sorted {
                    ($0 == Self.silent ? 1 : 0, $0) < ($1 == Self.silent ? 1 : 0, $1)
                }
            let cells = columns.indices.map { column in Self.cells(names.map { counts[$0]?[column] ?? 0 }) }
            for (index, name) in names.enumerated() {
                rows.append(Row(property: property, value: name, cells: cells.map { $0[index] }))
            }
        }
        // One value: the total stands alone, no subtraction to guard against.
        tabulate("cases") { _, _, _ in "all" }
        tabulate("split", Split.allCases.map(\.rawValue)) { _, split, _ in split.rawValue }
        if cases.contains(where: { $0.record.facts.sex != nil }) {
            tabulate("sex") { record, _, _ in record.facts.sex ?? Self.silent }
        }
        if cases.contains(where: { $0.record.facts.age != nil }) {
            tabulate("age", Self.ageBands.map(\.name)) { record, _, _ in
                record.facts.age.flatMap { age in Self.ageBands.first { age < $0.below }?.name } ?? Self.silent
            }
        }
        if cases.contains(where: { $0.record.facts.scanner != nil }) {
            tabulate("scanner") { record, _, _ in record.facts.scanner ?? Self.silent }
        }
        if cases.contains(where: { $0.record.facts.field != nil }) {
            tabulate("field") { record, _, _ in record.facts.field.map { "\($0) T" } ?? Self.silent }
        }
        tabulate("missing") { _, _, missing in missing.isEmpty ? "nothing" : missing.joined(separator: " ") }
        self.columns = columns
        self.rows = rows
    }

    private static let silent = "not stated"
    private static let ageBands: [(name: String, below: Double)] = [
        ("0-17", 18), ("18-39", 40), ("40-59", 60), ("60-79", 80), ("80+", .infinity),
    ]

    /// Withholds what must not be shown of counts whose sum is known: those under five, and the next smallest until
    /// each of those could be at least two numbers, or none is left.
    static func cells(_ counts: [Int]) -> [Cell] {
        var cells = counts.map { $0 < fewest ? Cell.few : .count($0) }
        var shown = counts.indices.filter { counts[$0] >= fewest }.sorted { counts[$0] < counts[$1] }
        while let next = shown.first, isSolvable(counts, cells, largestWithheld: counts[next]) {
            cells[next] = .withheld
            shown.removeFirst()
        }
        return cells
    }

    /// Whether the sum of what is not shown leaves a count under five only one value.
    /// - Parameter largestWithheld: no withheld count is larger, as the smallest are withheld first.
    private static func isSolvable(_ counts: [Int], _ cells: [Cell], largestWithheld: Int) -> Bool {
        let few = cells.count { $0 == .few }
        let withheld = cells.count { $0 == .withheld }
        guard few > 0 else { return false }
        let sum = zip(counts, cells).reduce(0) { sum, pair in
            if case .count = pair.1 { return sum }
            return sum + pair.0
        }
        // All others at their largest leave the least for one, and at their smallest the most.
        let least = max(0, sum - (few - 1) * (fewest - 1) - withheld * largestWithheld)
        let most = min(fewest - 1, sum - withheld * fewest)
        return least == most
    }
}
