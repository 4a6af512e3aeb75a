import ArgumentParser
import CoordinatorService
import Federation
import Foundation

/// Where the coordinator's state lies: the same for all commands.
struct StateOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The state folder; by default what CONSILIUM_COORDINATOR names, or ./coordinator-state.",
            valueName: "folder"))
    var state: String?

    var folder: StateFolder {
        let named = ProcessInfo.processInfo.environment["CONSILIUM_COORDINATOR"]
        let path = state ?? named.flatMap { $0.isEmpty ? nil : $0 } ?? "coordinator-state"
        return StateFolder(path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path)
    }

    /// Has the serving process carry a command out.
    /// - Parameter alone: whether, when nothing serves, this process may take the lock and do it itself.
    func carryOut<Command: OperatorCommand>(_ command: Command, alone: Bool = false) async throws -> Command.Answer {
        try await OperatorLine(folder: folder, alone: alone).send(command)
    }
}

/// Whether a program reads the answer.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print JSON instead of a table.")
    var json = false

    /// Prints a value as JSON, or what people read.
    func show(_ value: some Encodable, text: () -> [String]) throws {
        if json {
            print(try Self.pretty(value))
        } else {
            for line in text() { print(line) }
        }
    }

    static func pretty(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}

/// A path as the serving process will understand it, whatever folder that works in.
func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
}

/// A text file that an operator names.
func text(of path: String) throws -> String {
    guard let data = FileManager.default.contents(atPath: path) else {
        throw OperatorError("\(path) cannot be read; check the path")
    }
    guard data.count <= 1 << 20, let text = String(validating: data, as: UTF8.self) else {
        throw OperatorError("\(path) is not a text of at most 1 MiB; check the path")
    }
    return text
}

/// Asks a person for a yes.
func confirm(_ question: String) throws {
    print(question, terminator: " ")
    fflush(nil)
    guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else {
        throw OperatorError("nothing was changed; answer yes, or give --yes")
    }
}
