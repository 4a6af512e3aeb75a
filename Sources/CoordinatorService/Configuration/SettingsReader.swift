import Yams

/// Reads a YAML mapping key by key; what nobody asked for is an error that names the nearest key there is.
struct SettingsReader {
    let file: String
    private let path: String
    private let pairs: [String: Node]
    private let lines: [String: Int]
    private var known: [String] = []

    init(_ yaml: String, file: String) throws(OperatorError) {
        let node: Node?
        do { node = try Yams.compose(yaml: yaml) } catch {
            throw OperatorError("\(file) is not YAML: \(Self.sentence(error)); compare it with the example")
        }
        try self.init(node ?? Node([(Node, Node)]()), path: "", file: file)
    }

    private init(_ node: Node, path: String, file: String) throws(OperatorError) {
        guard let mapping = node.mapping else {
            throw OperatorError(
                "\(file), line \(node.mark?.line ?? 1): \(path.isEmpty ? "the file" : path) must hold keys and values")
        }
        var pairs: [String: Node] = [:]
        var lines: [String: Int] = [:]
        for (key, value) in mapping {
            guard let name = key.string else {
                throw OperatorError("\(file), line \(key.mark?.line ?? 1): a key must be a word")
            }
            pairs[name] = value
            lines[name] = key.mark?.line ?? 1
        }
        self.file = file
        self.path = path
        self.pairs = pairs
        self.lines = lines
    }

    /// The keys below one, or none of them.
    mutating func section(_ key: String) throws(OperatorError) -> SettingsReader {
        known.append(key)
        guard let node = pairs[key], node.null == nil else {
            return try SettingsReader(Node([(Node, Node)]()), path: path + key + ".", file: file)
        }
        return try SettingsReader(node, path: path + key + ".", file: file)
    }

    /// The entries of a list below a key, each with keys of its own.
    mutating func sections(_ key: String) throws(OperatorError) -> [SettingsReader] {
        known.append(key)
        guard let node = pairs[key], node.null == nil else { return [] }
        guard let entries = node.sequence else { throw wrong(key, "must be a list") }
        var readers: [SettingsReader] = []
        for entry in entries { readers.append(try SettingsReader(entry, path: "\(path)\(key)[].", file: file)) }
        return readers
    }

    /// A value turned into what it means.
    /// - Parameter meaning: what it must be, for people, such as `a whole number from 1 to 10`.
    mutating func value<T>(
        _ key: String, _ meaning: String, _ parse: (String) -> T?
    ) throws(OperatorError) -> T? {
        known.append(key)
        guard let node = pairs[key], node.null == nil else { return nil }
        guard let text = node.scalar?.string, let value = parse(text) else { throw wrong(key, "must be \(meaning)") }
        return value
    }

    mutating func text(_ key: String) throws(OperatorError) -> String? {
        try value(key, "a text that is not empty") { $0.isEmpty ? nil : $0 }
    }

    mutating func integer(_ key: String, in range: ClosedRange<Int>) throws(OperatorError) -> Int? {
        try value(key, "a whole number from \(range.lowerBound) to \(range.upperBound)") {
            Int($0).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// A length of time such as `90s`, `20m`, `12h` or `7d`, in seconds.
    mutating func seconds(_ key: String, in range: ClosedRange<Int>) throws(OperatorError) -> Int? {
        try value(key, "a time such as 90s, 20m, 12h or 7d, from \(range.lowerBound) s to \(range.upperBound) s") {
            guard let unit = $0.last.flatMap({ ["s": 1, "m": 60, "h": 3600, "d": 86_400][$0] }),
                let count = Int($0.dropLast()), !count.multipliedReportingOverflow(by: unit).overflow,
                range.contains(count * unit)
            else { return nil }
            return count * unit
        }
    }

    /// To be called when every key was asked for.
    func finish() throws(OperatorError) {
        guard let stranger = pairs.keys.filter({ !known.contains($0) }).min(by: { line($0) < line($1) }) else { return }
        let nearest = known.min { Self.distance(stranger, $0) < Self.distance(stranger, $1) }
        throw OperatorError(
            "\(file), line \(line(stranger)): \(path)\(stranger) is not a key"
                + (nearest.map { "; the nearest one is \(path)\($0)" } ?? ""))
    }

    func wrong(_ key: String, _ what: String) -> OperatorError {
        OperatorError("\(file), line \(line(key)): \(path)\(key) \(what)")
    }

    private func line(_ key: String) -> Int { lines[key] ?? 1 }

    private static func sentence(_ error: any Error) -> String {
        if let error = error as? YamlError, case .scanner(_, let problem, let mark, _) = error {
            return "line \(mark.line): \(problem)"
        }
        if let error = error as? YamlError, case .parser(_, let problem, let mark, _) = error {
            return "line \(mark.line): \(problem)"
        }
        if let error = error as? YamlError, case .duplicatedKeysInMapping(let keys, let context) = error {
            return "line \(context.mark.line): \(keys.min() ?? "a key") is there twice"
        }
        return "it cannot be read"
    }

    /// Letters to change to get from one word to another (Levenshtein).
    private static func distance(_ one: String, _ other: String) -> Int {
        let other = Array(other.utf8)
        var row = Array(0...other.count)
        for (i, letter) in one.utf8.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for j in other.indices {
                let above = row[j + 1]
                row[j + 1] = min(above + 1, row[j] + 1, diagonal + (letter == other[j] ? 0 : 1))
                diagonal = above
            }
        }
        return row[other.count]
    }
}
