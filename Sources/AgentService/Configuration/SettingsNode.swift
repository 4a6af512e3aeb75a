import Yams

/// A mapping of a YAML file whose keys are known: everything is read by name, and what is wrong is said with its line.
struct SettingsNode {
    let file: String
    private let path: String
    private let pairs: [String: (key: Node, value: Node)]
    private let line: Int?

    /// - Parameters:
    ///   - path: keys above it, such as `approve.`; empty at the top.
    ///   - known: names its keys may have; nil for any.
    init(_ node: Node, file: String, path: String, known: [String]?) throws(ConfigurationError) {
        self.file = file
        self.path = path
        line = node.mark?.line
        guard let mapping = node.mapping else {
            throw ConfigurationError(
                file, line: line, "\(path.isEmpty ? "the file" : String(path.dropLast())) must hold keys with values")
        }
        var pairs: [String: (Node, Node)] = [:]
        for (key, value) in mapping {
            guard let name = key.string else {
                throw ConfigurationError(file, line: key.mark?.line, "a key must be a word")
            }
            if let known, !known.contains(name) {
                let nearest = known.min { Self.distance(name, $0) < Self.distance(name, $1) }
                let hint = nearest.map { "; did you mean \($0)?" } ?? ""
                throw ConfigurationError(file, line: key.mark?.line, "there is no setting \(path)\(name)\(hint)")
            }
            pairs[name] = (key, value)
        }
        self.pairs = pairs
    }

    var names: [String] { pairs.keys.sorted() }

    /// Whether a key stands there with a value other than null.
    func has(_ name: String) -> Bool { value(name) != nil }

    private func value(_ name: String) -> Node? {
        guard let node = pairs[name]?.value, node.null == nil else { return nil }
        return node
    }

    func error(_ name: String, _ sentence: String) -> ConfigurationError {
        ConfigurationError(file, line: pairs[name]?.value.mark?.line ?? line, "\(path)\(name) \(sentence)")
    }

    func mapping(_ name: String, known: [String]?) throws(ConfigurationError) -> SettingsNode? {
        guard let node = value(name) else { return nil }
        return try SettingsNode(node, file: file, path: "\(path)\(name).", known: known)
    }

    func isMapping(_ name: String) -> Bool { value(name)?.mapping != nil }

    func string(_ name: String) throws(ConfigurationError) -> String? {
        guard let node = value(name) else { return nil }
        guard let text = node.string, !text.isEmpty else { throw error(name, "must be a word or text") }
        return text
    }

    func integer(_ name: String, in range: ClosedRange<Int>) throws(ConfigurationError) -> Int? {
        guard let node = value(name) else { return nil }
        guard let number = node.int, range.contains(number) else {
            throw error(name, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func positive(_ name: String) throws(ConfigurationError) -> Double? {
        guard let node = value(name) else { return nil }
        guard let number = node.float, number.isFinite, number > 0 else {
            throw error(name, "must be a number above 0")
        }
        return number
    }

    func flag(_ name: String) throws(ConfigurationError) -> Bool? {
        guard let node = value(name) else { return nil }
        guard let flag = node.bool else { throw error(name, "must be true or false") }
        return flag
    }

    /// One of the words of an enumeration.
    func choice<T: RawRepresentable & CaseIterable>(_ name: String, _: T.Type) throws(ConfigurationError) -> T?
    where T.RawValue == String {
        guard let text = try string(name) else { return nil }
        guard let choice = T(rawValue: text) else {
            throw error(name, "is \(text); it must be one of \(T.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return choice
    }

    /// A list of texts, or one alone.
    func strings(_ name: String) throws(ConfigurationError) -> [String]? {
        guard let node = value(name) else { return nil }
        guard let sequence = node.sequence else { return try string(name).map { [$0] } }
        var texts: [String] = []
        for element in sequence {
            guard let text = element.string, !text.isEmpty else { throw error(name, "must be a list of texts") }
            texts.append(text)
        }
        return texts
    }

    /// Edits that turn one word into the other (Levenshtein).
    static func distance(_ one: String, _ other: String) -> Int {
        let other = Array(other.utf8)
        var row = Array(0...other.count)
        for (i, a) in one.utf8.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in other.enumerated() {
                let next = min(row[j + 1] + 1, row[j] + 1, diagonal + (a == b ? 0 : 1))
                diagonal = row[j + 1]
                row[j + 1] = next
            }
        }
        return row[other.count]
    }
}
