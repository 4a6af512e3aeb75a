import Yams

/// One mapping of a plan's text, of which every key must be known and every value of its type.
struct PlanSection {
    private let values: [String: Node]
    private let lines: [String: Int]
    /// Of the mapping itself.
    let line: Int?
    /// Before the names of its keys in messages: empty, or such as `training.`.
    private let path: String

    /// - Parameter known: every key it may have.
    init(_ node: Node, path: String = "", known: [String]) throws(PlanError) {
        guard case .mapping(let mapping) = node else {
            let whole = path.isEmpty ? "a plan" : "`\(path.dropLast())`"
            throw PlanError(line: node.mark?.line, "\(whole) is a list of keys with values, such as `\(known[0]): …`")
        }
        var values: [String: Node] = [:]
        var lines: [String: Int] = [:]
        for (key, value) in mapping {
            guard let name = key.scalar?.string, known.contains(name) else {
                throw Self.unknown(key, known)
            }
            values[name] = value
            lines[name] = key.mark?.line
        }
        self.values = values
        self.lines = lines
        self.line = node.mark?.line
        self.path = path
    }

    private static func unknown(_ key: Node, _ known: [String]) -> PlanError {
        let name = key.scalar?.string ?? "?"
        let near = Nearness.nearest(to: name, in: known)
        let advice =
            near.map { "did you mean `\($0)`?" } ?? "known are \(known.map { "`\($0)`" }.joined(separator: ", "))"
        return PlanError(line: key.mark?.line, suggestion: near, "unknown key `\(name.prefix(80))`; \(advice)")
    }

    func has(_ key: String) -> Bool { values[key] != nil }

    func error(_ key: String, _ message: String) -> PlanError {
        PlanError(line: lines[key] ?? line, "`\(path)\(key)` \(message)")
    }

    private func missing(_ key: String, _ what: String) -> PlanError {
        PlanError(line: path.isEmpty ? nil : line, "`\(path)\(key)` is missing: give \(what)")
    }

    private func given(_ key: String) -> String {
        values[key]?.scalar.map { "is \"\($0.string.prefix(80))\"" } ?? "is not a single value"
    }

    // MARK: Texts

    /// A text of 1 to 2000 bytes.
    func text(_ key: String, _ what: String) throws(PlanError) -> String {
        guard let text = try text(key) else { throw missing(key, what) }
        return text
    }

    func text(_ key: String) throws(PlanError) -> String? {
        guard let node = values[key] else { return nil }
        guard let text = node.scalar?.string, (1...2000).contains(text.utf8.count) else {
            throw error(key, "must be a text of 1 to 2000 bytes")
        }
        return text
    }

    func texts(_ key: String) throws(PlanError) -> [String]? {
        guard let node = values[key] else { return nil }
        if let single = node.scalar?.string, !single.isEmpty { return [single] }
        let texts = node.sequence?.compactMap { $0.scalar?.string } ?? []
        guard let count = node.sequence?.count, texts.count == count,
            texts.allSatisfy({ (1...2000).contains($0.utf8.count) })
        else { throw error(key, "must be a list of texts, such as [one, two]") }
        return texts
    }

    /// Keys of the plan's own choosing with texts.
    func dictionary(_ key: String, name: String) throws(PlanError) -> [String: String] {
        guard let node = values[key] else { return [:] }
        guard case .mapping(let mapping) = node else {
            throw error(key, "must be a list of `\(name): reference`")
        }
        var texts: [String: String] = [:]
        for (key, value) in mapping {
            guard let name = key.scalar?.string, Name.isValid(name) else {
                throw PlanError(line: key.mark?.line, "`\(path)…` must name sites by a-z, 0-9 and the hyphen")
            }
            var reference = value.scalar?.string
            if reference == nil {
                reference = try PlanSection(value, path: "\(path)\(name).", known: ["reference"]).text("reference")
            }
            guard let text = reference, (1...2000).contains(text.utf8.count) else {
                throw PlanError(line: value.mark?.line, "`\(name)` needs a reference to an approval or a contract")
            }
            texts[name] = text
        }
        return texts
    }

    func choice<T: RawRepresentable & CaseIterable>(
        _ key: String, default usual: T
    ) throws(PlanError) -> T where T.RawValue == String {
        guard has(key) else { return usual }
        return try choice(key)
    }

    func choice<T: RawRepresentable & CaseIterable>(_ key: String) throws(PlanError) -> T where T.RawValue == String {
        let names = T.allCases.map(\.rawValue)
        guard has(key) else { throw missing(key, "one of \(names.joined(separator: ", "))") }
        guard let text = values[key]?.scalar?.string, let value = T(rawValue: text) else {
            throw error(key, "\(given(key)): choose one of \(names.joined(separator: ", "))")
        }
        return value
    }

    // MARK: Numbers and switches

    func integer(_ key: String, _ range: ClosedRange<Int>) throws(PlanError) -> Int? {
        guard has(key) else { return nil }
        guard let text = values[key]?.scalar?.string, let value = Int(text), range.contains(value) else {
            throw error(key, "\(given(key)): give a whole number of \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    func seed(_ key: String) throws(PlanError) -> UInt64? {
        guard has(key) else { return nil }
        guard let text = values[key]?.scalar?.string, let value = UInt64(text) else {
            throw error(key, "\(given(key)): give a whole number, 0 or more")
        }
        return value
    }

    /// - Parameter range: as it is said to people.
    func number(_ key: String, _ range: String, _ holds: (Double) -> Bool) throws(PlanError) -> Double? {
        guard has(key) else { return nil }
        guard let text = values[key]?.scalar?.string, let value = Double(text), value.isFinite, holds(value) else {
            throw error(key, "\(given(key)): give a number \(range)")
        }
        return value
    }

    func numbers(_ key: String, _ range: String, _ holds: (Double) -> Bool) throws(PlanError) -> [Double]? {
        guard let node = values[key] else { return nil }
        let values = node.sequence?.compactMap { $0.scalar.flatMap { Double($0.string) } } ?? []
        guard let count = node.sequence?.count, values.count == count,
            values.allSatisfy({ $0.isFinite && holds($0) })
        else { throw error(key, "must be a list of numbers \(range), such as [1, 2]") }
        return values
    }

    /// `on`, `off` and their like.
    func flag(_ key: String, default usual: Bool) throws(PlanError) -> Bool {
        guard has(key) else { return usual }
        switch values[key]?.scalar?.string {
        case "on", "true", "yes": return true
        case "off", "false", "no": return false
        default: throw error(key, "\(given(key)): write on or off")
        }
    }

    /// Whether a key says `off` or `none` rather than a value.
    func isOff(_ key: String) -> Bool { ["off", "none", "no", "false"].contains(values[key]?.scalar?.string) }

    /// A length of time such as `90s`, `30m`, `6h`, `2d`, in milliseconds.
    func duration(_ key: String) throws(PlanError) -> Int64? {
        guard has(key), !isOff(key) else { return nil }
        let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86400]
        guard let text = values[key]?.scalar?.string, let unit = text.last.flatMap({ units[$0] }),
            let count = Double(text.dropLast()), count > 0, count * unit >= 1, count * unit <= 366 * 86400
        else { throw error(key, "\(given(key)): write a length of time such as 90s, 30m, 6h or 2d, at most 366d") }
        return Int64((count * unit * 1000).rounded())
    }

    // MARK: Parts

    /// The section under a key; nil when there is none.
    func section(_ key: String, known: [String]) throws(PlanError) -> PlanSection? {
        guard let node = values[key] else { return nil }
        return try PlanSection(node, path: "\(path)\(key).", known: known)
    }

    /// The text that stands where a section could.
    func word(_ key: String) -> String? { values[key]?.scalar?.string }

    /// The entries of a list.
    func list(_ key: String, _ what: String) throws(PlanError) -> [Node] {
        guard let node = values[key] else { throw missing(key, what) }
        guard let sequence = node.sequence else { throw error(key, "must be a list: \(what)") }
        return Array(sequence)
    }
}
