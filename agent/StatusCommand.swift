import AgentService
import ArgumentParser
import Foundation

/// `agent status`: how the site stands and what waits for its admin.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show how this site stands and what waits for your word.")

    @OptionGroup var options: StateOptions

    @Flag(help: "As JSON, with every field and every tensor's norm.")
    var json = false

    func run() throws {
        let answer = try SiteControl.perform(
            ControlRequest(.status), folder: options.folder, configuration: options.settings)
        guard let status = answer.status else { return }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(status), as: UTF8.self))
        } else {
            print(Self.text(status))
        }
    }

    private static func text(_ status: SiteStatus) -> String {
        var lines = ["\(status.site) of \(status.federation.isEmpty ? "no federation" : status.federation)"]
        lines.append("coordinator: \(status.coordinator)")
        lines.append("connection:  \(status.connection)")
        if let until = status.certificateUntil { lines.append("certificate: until \(until)") }
        lines += status.warnings.map { "WARNING: \($0)" }
        lines += section("studies", status.studies.map { "\($0.name): \($0.standing), \($0.state), round \($0.round)" })
        lines += section("work", status.work.map { "\($0.id): \($0.state)" })
        lines += section("releases", status.releases)
        for item in status.waiting {
            lines += ["", "waits for you: \(item.id)", "  \(item.what)"]
            if item.bytes > 0 { lines.append("  \(item.bytes) bytes would leave") }
            lines += item.fields.sorted { $0.key < $1.key }.map { "  \($0.key): \(short($0.value))" }
            lines += norms(item.norms)
            lines.append("  agent approve \(item.id)   or   agent refuse \(item.id) --reason \"…\"")
        }
        return lines.joined(separator: "\n")
    }

    private static func section(_ name: String, _ lines: [String]) -> [String] {
        lines.isEmpty ? [] : ["\(name):"] + lines.map { "  " + $0 }
    }

    private static func short(_ text: String) -> String { text.count > 200 ? text.prefix(200) + "…" : text }

    /// The ten longest tensors; the rest are in the JSON.
    private static func norms(_ norms: [SiteStatus.LayerNorm]) -> [String] {
        let longest = norms.sorted { $0.norm > $1.norm }.prefix(10)
        guard !longest.isEmpty else { return [] }
        return ["  longest of \(norms.count) tensors (L2 norm):"] + longest.map { "    \($0.name): \($0.norm)" }
    }
}
