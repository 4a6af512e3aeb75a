import Foundation
import Synchronization

/// The built `coordinator`, run as a person would.
struct CoordinatorProcess {
    var status: Int32
    var output: String
    var errors: String

    /// The program beside the test bundle, both in the build's folder.
    static let program = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("coordinator").path

    /// Runs a command to its end.
    @discardableResult
    static func run(_ arguments: String..., state: String) throws -> CoordinatorProcess {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = ["CONSILIUM_COORDINATOR": state, "PATH": "/usr/bin:/bin"]
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        let complaint = try errors.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return CoordinatorProcess(
            status: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
            errors: String(decoding: complaint, as: UTF8.self))
    }
}

/// `coordinator serve`, until the test is over or kills it.
final class ServingCoordinator: Sendable {
    private let process: Mutex<Process>
    private let log: String
    /// Where agents connect, as it announced.
    let address: String
    let startSeconds: Double

    /// Starts it and waits for its one line.
    init(state: String, log: String) async throws {
        let process = Process()
        // Bounded: a test that goes wrong leaves nothing running for long.
        process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
        process.arguments = [
            "--foreground", "--kill-after=1", "120", CoordinatorProcess.program, "serve", "--state", state,
        ]
        process.environment = ["PATH": "/usr/bin:/bin"]
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
        process.standardOutput = handle
        process.standardError = handle
        process.standardInput = FileHandle.nullDevice
        let start = ContinuousClock.now
        try process.run()
        self.log = log
        var announced: Substring?
        while announced == nil, process.isRunning, start.duration(to: .now) < .seconds(30) {
            try await Task.sleep(for: .milliseconds(20))
            announced = Self.read(log).split(separator: "\n").first { $0.hasPrefix("serving ") }
        }
        startSeconds = Double(start.duration(to: .now).components.seconds)
        guard let announced, let last = announced.split(separator: " ").last else {
            process.terminate()
            throw Failure("it did not serve: \(Self.read(log))")
        }
        address = String(last)
        self.process = Mutex(process)
    }

    deinit { end(by: SIGKILL) }

    /// Everything it has printed and logged.
    var text: String { Self.read(log) }

    /// Sends it a signal and waits for its end.
    /// - Returns: its status; 128 and the signal's number when that ended it.
    @discardableResult
    func end(by signal: Int32) -> Int32 {
        process.withLock { process in
            guard process.isRunning else { return process.terminationStatus }
            // The program is the child of `timeout`, which hands its status on.
            let children = "/proc/\(process.processIdentifier)/task/\(process.processIdentifier)/children"
            let child = (try? String(contentsOfFile: children, encoding: .utf8))?
                .split(separator: " ").first.flatMap { pid_t($0) }
            kill(child ?? process.processIdentifier, signal)
            process.waitUntilExit()
            return process.terminationStatus
        }
    }

    private static func read(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }
}
