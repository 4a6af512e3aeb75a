import Foundation
package import Glibc
import Synchronization

/// A program of ours, started by a test or a benchmark and ended by it.
package final class ChildProgram: Sendable {
    private let process: Mutex<Process>
    package let name: String
    package let pid: pid_t

    package init(_ name: String, _ program: String, _ arguments: [String], log: String) throws {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        let output = FileHandle(forWritingAtPath: log)
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        self.name = name
        pid = process.processIdentifier
        self.process = Mutex(process)
    }

    package func end() {
        Glibc.kill(pid, SIGTERM)
        let deadline = ContinuousClock.now + .seconds(20)
        while isRunning, ContinuousClock.now < deadline { usleep(20_000) }
        if isRunning { kill() }
    }

    package var isRunning: Bool { process.withLock { $0.isRunning } }

    /// As a power cut would: at once, with all it started.
    package func kill() {
        for pid in ProcessFigures.tree(pid) { Glibc.kill(pid, SIGKILL) }
        process.withLock { $0.waitUntilExit() }
    }
}
