/// Rows of words in columns as wide as they need to be.
struct TextTable {
    private let head: [String]
    private var rows: [[String]] = []

    init(_ head: String...) { self.head = head }

    mutating func add(_ cells: String...) { rows.append(cells) }

    var lines: [String] {
        let widths = head.indices.map { column in ([head] + rows).map { $0[column].count }.max() ?? 0 }
        return ([head] + rows).map { cells in
            var line = ""
            for (cell, width) in zip(cells, widths) {
                line += cell + String(repeating: " ", count: width - cell.count + 2)
            }
            while line.hasSuffix(" ") { line.removeLast() }
            return line
        }
    }
}

/// Figures as people read them.
enum Figures {
    static func bytes(_ count: Int) -> String {
        if count < 1000 { return "\(count) B" }
        var value = Double(count)
        for unit in ["kB", "MB", "GB"] {
            value /= 1000
            if value < 999.5 || unit == "GB" { return "\(rounded(value, value < 10 ? 1 : 0)) \(unit)" }
        }
        return "\(count) B"
    }

    static func rounded(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite else { return "\(value)" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let whole = (value.magnitude * scale).rounded()
        let text = String(Int(whole))
        let sign = value < 0 && whole > 0 ? "-" : ""
        guard digits > 0 else { return sign + text }
        let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
        return "\(sign)\(padded.dropLast(digits)).\(padded.suffix(digits))"
    }

    static func optional(_ value: Double?, _ digits: Int) -> String { value.map { rounded($0, digits) } ?? "–" }

    /// Such as `0.912 (0.880 to 0.940)`.
    static func estimate(_ value: Double?, _ interval: [Double]?) -> String {
        guard let value else { return "–" }
        guard let interval, interval.count == 2 else { return rounded(value, 3) }
        return "\(rounded(value, 3)) (\(rounded(interval[0], 3)) to \(rounded(interval[1], 3)))"
    }

    static func duration(_ seconds: Double) -> String {
        let seconds = Int(max(0, seconds.rounded()))
        if seconds < 120 { return "\(seconds) s" }
        if seconds < 7200 { return "\(seconds / 60) min" }
        return seconds < 172_800 ? "\(seconds / 3600) h" : "\(seconds / 86_400) d"
    }
}
