import Imaging

extension CohortReport {
    /// The report for a person: a row for each case with what is wrong under it, table 1, the trivial model, the sums.
    package var text: String {
        var lines = [
            "Checked \(cases.count == 1 ? "1 case" : "\(cases.count) cases") of \(manifest), recipe \(recipe)", "",
        ]
        lines += caseLines
        if !findings.isEmpty {
            lines += ["", "Cohort"] + findings.map { "  \($0.severity.rawValue): \($0.message)" }
        }
        lines += [""] + tableLines
        if !trivialModels.isEmpty {
            lines += ["", "Trivial model (logistic regression, cross-validated by patient)"]
            lines += trivialModels.map { "  \($0.sentence)" }
        }
        lines += ["", summary, statement]
        return lines.joined(separator: "\n")
    }

    private var summary: String {
        let warnings = cases.reduce(findings.count { $0.severity == .warning }) { sum, report in
            sum + report.findings.count { $0.severity == .warning }
        }
        let usable = cases.count - unusable
        var text =
            unusable == 0
            ? "All \(cases.count) cases can be used"
            : "\(usable) of \(cases.count) cases can be used, \(unusable) cannot"
        if cases.count == 1 { text = unusable == 0 ? "The case can be used" : "The case cannot be used" }
        return text + (warnings == 0 ? "." : "; \(warnings == 1 ? "1 warning" : "\(warnings) warnings").")
    }

    private var caseLines: [String] {
        var table = [["case", "contrasts", "size", "spacing mm", "axes", "verdict"]]
        for report in cases {
            let scan = report.reference
            table.append([
                report.id,
                report.contrasts.isEmpty ? "-" : report.contrasts.map(\.rawValue).joined(separator: " "),
                scan.map { $0.dims.map(String.init).joined(separator: "×") } ?? "-",
                scan.map { $0.spacing.map(\.hundredths).joined(separator: "×") } ?? "-",
                scan?.orientation ?? "-",
                report.isUsable ? "ok" : "cannot be used",
            ])
        }
        let rows = Self.aligned(table)
        return [rows[0]]
            + zip(rows.dropFirst(), cases).flatMap { row, report in
                [row] + report.findings.map { "    \($0.severity.rawValue): \($0.message)" }
            }
    }

    private var tableLines: [String] {
        let title = task.map { "Table 1: cases by \($0.column)" } ?? "Table 1: cases"
        var table = [[""] + tableOne.columns]
        var property = ""
        for row in tableOne.rows {
            let name = row.property == property ? "" : row.property
            property = row.property
            let label = row.value == "all" ? name : "\(name.isEmpty ? "" : name + ": ")\(row.value)"
            table.append(
                [name.isEmpty ? String(repeating: " ", count: property.count + 2) + label : label]
                    + row.cells.map(\.text))
        }
        return [
            "\(title) (<\(TableOne.fewest): under five; n/s: not shown, so that no <\(TableOne.fewest) can be worked out)"
        ]
            + Self.aligned(table).map { "  \($0)" }
    }

    /// Columns padded to the widest of their cells.
    private static func aligned(_ table: [[String]]) -> [String] {
        let count = table.map(\.count).max() ?? 0
        let widths = (0..<count).map { column in table.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return table.map { row in
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
        }
    }
}

extension Double {
    /// Two decimals, `0.94`, `1.00`.
    var hundredths: String {
        guard isFinite, abs(self) < 1e6 else { return "\(self)" }
        let whole = Int((abs(self) * 100).rounded())
        return "\(self < 0 && whole > 0 ? "-" : "")\(whole / 100).\(whole % 100 < 10 ? "0" : "")\(whole % 100)"
    }
}
