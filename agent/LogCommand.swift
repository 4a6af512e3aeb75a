import AgentService
import ArgumentParser
import Federation
import Foundation

/// `agent log`: what left this site.
struct LogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "Show what left this site, and what was kept from leaving.")

    @Option(name: .shortAndLong, help: "Newest lines to show.")
    var lines = 50

    @Flag(help: "As JSON, a line each, with every field.")
    var json = false

    @OptionGroup var options: StatePlace

    func validate() throws {
        guard lines > 0 else { throw ValidationError("Give a number of lines above 0.") }
    }

    func run() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        for line in try EgressLog.last(lines, of: options.folder.egressLog) {
            if json {
                print(String(decoding: try encoder.encode(line), as: UTF8.self))
            } else {
                let round = line.round.map { " round \($0.round)" } ?? ""
                let reason = line.reason.map { ": \($0)" } ?? ""
                print(
                    "\(line.time) \(line.event.rawValue) \(line.kind) \(line.study ?? "")\(round) "
                        + "\(line.bytes) bytes \(line.digest.prefix(12))\(reason)")
            }
        }
    }
}
