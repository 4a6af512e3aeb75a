import Federation
import Foundation
import Yams

extension AgentConfiguration {
    /// Longest file that is read, in bytes.
    private static let limit = 1 << 20

    /// Reads `agent.yaml`; without the file, all is as by default.
    /// - Throws: ``ConfigurationError`` with the line.
    package static func read(_ path: String) throws -> AgentConfiguration {
        guard FileManager.default.fileExists(atPath: path) else { return AgentConfiguration() }
        guard let data = FileManager.default.contents(atPath: path), data.count <= limit,
            let text = String(data: data, encoding: .utf8)
        else {
            throw ConfigurationError(
                path, line: nil, "it cannot be read as text of at most 1 MiB; check its permissions")
        }
        return try parse(text, file: path)
    }

    /// - Parameter file: how the file is called in errors.
    package static func parse(_ text: String, file: String = "agent.yaml") throws -> AgentConfiguration {
        let root: Node?
        do { root = try Yams.compose(yaml: text) } catch let error as YamlError {
            throw ConfigurationError(file, line: error.line, "this is not YAML; check indentation, quotes and colons")
        }
        guard let root, root.null == nil else { return AgentConfiguration() }
        let top = try SettingsNode(root, file: file, path: "", known: Key.top)
        var read = AgentConfiguration()
        read.coordinator = try top.string("coordinator")
        read.proxy = try top.string("proxy")
        read.data = try top.string("data").map { absolute($0, beside: file) }
        read.origin = try top.choice("origin", Governance.DataOrigin.self) ?? read.origin
        read.studies = try studies(top, file: file)
        read.approve = try approvals(top)
        if let minimum = try top.mapping("minimum", known: Key.minimum) {
            read.minimumCases = try minimum.integer("cases", in: 1...1_000_000) ?? read.minimumCases
            read.minimumCasesPerClass =
                try minimum.integer("cases_per_class", in: 1...1_000_000) ?? read.minimumCasesPerClass
        }
        if let line = try top.mapping("bandwidth", known: Key.bandwidth) {
            read.bandwidth.up = try rate("up", of: line)
            read.bandwidth.down = try rate("down", of: line)
        }
        read.hours = try hours(top)
        read.floors = try floors(top)
        read.trainer = try trainer(top)
        read.releases = try top.choice("releases", Fetch.self) ?? read.releases
        read.threads = try top.integer("threads", in: 1...256)
        read.precision = try top.string("precision")
        if let precision = read.precision, precision != "fp32", precision != "bf16" {
            throw top.error("precision", "is \(precision); it must be fp32 or bf16")
        }
        return read
    }

    private enum Key {
        static let top = [
            "coordinator", "proxy", "data", "origin", "studies", "approve", "minimum", "bandwidth", "hours", "floors",
            "trainer",
            "releases", "threads", "precision",
        ]
        static let minimum = ["cases", "cases_per_class"]
        static let bandwidth = ["up", "down"]
        static let approve = ["consent", "update", "evaluation", "release"]
        static let floors = ["minimum_sites", "kinds", "max_norm", "require_open_mode_agreed", "max_rounds"]
    }

    private static func approvals(_ top: SettingsNode) throws(ConfigurationError) -> Approvals {
        var read = Approvals()
        guard let node = try top.mapping("approve", known: Key.approve) else { return read }
        read.consent = try node.choice("consent", Approval.self) ?? .manual
        read.update = try node.choice("update", Approval.self) ?? .manual
        read.evaluation = try node.choice("evaluation", Approval.self) ?? .manual
        read.release = try node.choice("release", Approval.self) ?? .manual
        return read
    }

    private static func studies(_ top: SettingsNode, file: String) throws(ConfigurationError) -> [String: Study]? {
        guard let node = try top.mapping("studies", known: nil) else { return nil }
        var read: [String: Study] = [:]
        for name in node.names {
            let study = try node.mapping(name, known: ["data", "origin"])
            read[name] = Study(
                data: try study?.string("data").map { absolute($0, beside: file) },
                origin: try study?.choice("origin", Governance.DataOrigin.self))
        }
        return read
    }

    private static func hours(_ top: SettingsNode) throws(ConfigurationError) -> TransferHours {
        guard let texts = try top.strings("hours") else { return .always }
        var spans: [TransferHours.Span] = []
        for text in texts {
            guard let span = TransferHours.span(text) else {
                throw top.error("hours", "has \(text); write local times such as \"20:00-06:00\"")
            }
            spans.append(span)
        }
        return TransferHours(spans: spans)
    }

    private static func floors(_ top: SettingsNode) throws(ConfigurationError) -> Floors {
        var read = Floors()
        guard let node = try top.mapping("floors", known: Key.floors) else { return read }
        read.minimumSites = try node.integer("minimum_sites", in: 1...10_000) ?? read.minimumSites
        if let kinds = try node.strings("kinds") {
            if let odd = kinds.first(where: { !Floors().kinds.contains($0) }) {
                throw node.error("kinds", "has \(odd); kinds are training, evaluation, rehearsal")
            }
            read.kinds = Set(kinds)
        }
        read.maximumNorm = try node.positive("max_norm")
        read.requireOpenModeAgreed = try node.flag("require_open_mode_agreed") ?? true
        read.maximumRounds = try node.integer("max_rounds", in: 1...100_000)
        return read
    }

    private static func trainer(_ top: SettingsNode) throws(ConfigurationError) -> Trainer {
        guard top.has("trainer") else { return .builtin }
        guard top.isMapping("trainer"), let node = try top.mapping("trainer", known: ["external"]) else {
            if try top.string("trainer") == "builtin" { return .builtin }
            throw top.error("trainer", "must be builtin, or external: with a command")
        }
        guard let command = try node.strings("external"), command.first?.hasPrefix("/") == true else {
            throw node.error("external", "must be a list: the command's full path, then its arguments")
        }
        return .external(command: command)
    }

    /// Bytes a second from `500 kB/s`, `2 MB/s`, `20 Mbit/s` or a plain number of bytes.
    private static func rate(_ name: String, of node: SettingsNode) throws(ConfigurationError) -> Int? {
        guard let text = try node.string(name) else { return nil }
        let units: [(String, Double)] = [
            ("kB/s", 1e3), ("MB/s", 1e6), ("kbit/s", 125), ("Mbit/s", 125_000), ("", 1),
        ]
        for (unit, factor) in units where text.hasSuffix(unit) {
            let number = text.dropLast(unit.count).trimmingCharacters(in: .whitespaces)
            guard let value = Double(number), value.isFinite, value * factor >= 16_000, value * factor < 1e12 else {
                break
            }
            return Int(value * factor)
        }
        throw node.error(name, "is \(text); write a rate of at least 16 kB/s, such as 2 MB/s or 20 Mbit/s")
    }

    /// Paths are meant from the file's own folder.
    private static func absolute(_ path: String, beside file: String) -> String {
        path.hasPrefix("/")
            ? path
            : URL(fileURLWithPath: path, relativeTo: URL(fileURLWithPath: file).deletingLastPathComponent())
                .standardizedFileURL.path
    }
}

extension YamlError {
    /// The line at which reading failed, where it is known.
    fileprivate var line: Int? {
        switch self {
        case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _): mark.line
        case .duplicatedKeysInMapping(_, let context): context.mark.line
        default: nil
        }
    }
}
