import Foundation
import Glibc
import Synchronization

/// `agent up`: keeps `agent run` and `agent worker` alive on hosts without a service manager.
package final class Supervisor: Sendable {
    /// The environment's name for the supervisor's process number, by which a child ends with it.
    package static let variable = "CONSILIUM_SUPERVISOR"

    private let program: String
    private let commands: [[String]]
    private let report: @Sendable (String) -> Void
    private let isStopped: @Sendable () -> Bool

    /// - Parameter commands: arguments of each child.
    package init(
        program: String, commands: [[String]], report: @escaping @Sendable (String) -> Void,
        isStopped: @escaping @Sendable () -> Bool
    ) {
        self.program = program
        self.commands = commands
        self.report = report
        self.isStopped = isStopped
    }

    /// Runs until stopped, and until the children have ended.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            for command in commands { group.addTask { await self.keep(command) } }
        }
    }

    private func keep(_ arguments: [String]) async {
        let name = arguments.first ?? ""
        var wait = 1
        while !isStopped() {
            let start = ContinuousClock().now
            do { try await runOnce(arguments) } catch { report("\(name) cannot be started: \(error)") }
            guard !isStopped() else { return }
            wait = ContinuousClock().now - start > .seconds(60) ? 1 : min(wait * 2, 60)
            report("\(name) ended; it is started again in \(wait) s")
            for _ in 0..<(wait * 10) where !isStopped() { try? await Task.sleep(for: .milliseconds(100)) }
        }
    }

    private func runOnce(_ arguments: [String]) async throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(
            [Self.variable: String(getpid())], uniquingKeysWith: { $1 })
        process.standardInput = FileHandle.nullDevice
        try process.run()
        var isAsked = false
        var ticks = 0
        while process.isRunning {
            if isStopped(), !isAsked {
                process.terminate()
                isAsked = true
            }
            if isAsked {
                ticks += 1
                // A child that does not end within half a minute is ended; its files bear that.
                if ticks == 600 { kill(process.processIdentifier, SIGKILL) }
            }
            try? await Task.sleep(for: .milliseconds(50))
        }
    }

    /// In a child: asks this process to end when its supervisor is gone, however that went.
    package static func endWithSupervisor() {
        guard let text = ProcessInfo.processInfo.environment[variable], let supervisor = Int32(text) else { return }
        let thread = Thread {
            while getppid() == supervisor { usleep(200_000) }
            kill(getpid(), SIGTERM)
        }
        thread.name = "supervisor"
        thread.start()
    }
}
