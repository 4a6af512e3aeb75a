/// Which name somebody meant.
package enum Nearness {
    /// The known name that is fewest insertions, deletions, exchanges and swaps away, if it is near enough to be meant.
    package static func nearest(to name: String, in known: [String]) -> String? {
        let near = known.map { (name: $0, distance: distance(name, $0)) }.min { $0.distance < $1.distance }
        guard let near, near.distance <= max(2, near.name.utf8.count / 3) else { return nil }
        return near.name
    }

    /// Damerau and Levenshtein's distance, swaps of neighbours only (optimal string alignment).
    static func distance(_ one: String, _ other: String) -> Int {
        let a = Array(one.utf8.prefix(64))
        let b = Array(other.utf8.prefix(64))
        var rows = [Array(0...b.count)]
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                var best = min(row[j] + 1, rows[i][j + 1] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, rows[i - 1][j - 1] + 1) }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
