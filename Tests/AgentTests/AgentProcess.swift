import Foundation

/// Runs the built `agent` as a person would.
struct AgentProcess {
    var status: Int32
    var output: String

    /// The program beside the test bundle, both in the build's folder.
    static let program = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("agent").path

    static let coordinator = program.replacing(/agent$/, with: "coordinator")

    /// - Parameter memoryMiB: private memory the program may have; nil leaves it as it is.
    static func run(_ arguments: [String], memoryMiB: Int? = nil) throws -> AgentProcess {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        let limit = memoryMiB.map { "ulimit -d \($0 * 1024) && " } ?? ""
        process.arguments = ["-c", limit + "exec \"$0\" \"$@\"", program] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return AgentProcess(status: process.terminationStatus, output: String(decoding: output, as: UTF8.self))
    }
}

/// A folder that is gone after the test.
enum TemporaryFolder {
    static func with(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("agent-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.path)
    }
}
