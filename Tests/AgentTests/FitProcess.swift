import Foundation
import Testing

/// `agent fit` and `agent infer` as children, on a made cohort.
enum FitProcess {
    /// Makes a cohort of a few heads in a folder.
    static func makeCohort(in folder: String, cases: Int) throws {
        let made = try AgentProcess.run([
            "synthesize", "--cases", "\(cases)", "--seed", "3", "--size", "32", "--out", folder + "/cohort",
        ])
        try #require(made.status == 0)
    }

    /// The arguments of a fit that takes seconds.
    static func arguments(_ folder: String, out: String, _ more: [String] = []) -> [String] {
        [
            "fit", "--data", folder + "/cohort/manifest.csv", "--task", "detection", "--preset", "small", "--out",
            folder + "/" + out, "--epochs", "2", "--batch", "2", "--accumulate", "1", "--precision", "fp32",
            "--threads", "2", "--cache", folder + "/cache",
        ] + more
    }

    struct Result {
        var status: Int32
        var killed: Bool
        var output: String
        var errors: String
        /// Largest resident memory in bytes, as far as it was seen.
        var peak = 0
    }

    /// Runs the program, and ends it with a signal after a time unless it is done before.
    static func run(
        _ arguments: [String], program: String = AgentProcess.program, signalAfter seconds: Double = .infinity,
        _ number: Int32 = SIGKILL
    ) throws -> Result {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        // Files and not pipes: a child that writes much must not wait for a reader.
        let prefix = NSTemporaryDirectory() + "/run-\(UUID().uuidString)"
        defer { for end in ["out", "err"] { unlink(prefix + end) } }
        for end in ["out", "err"] { try Data().write(to: URL(filePath: prefix + end)) }
        process.standardOutput = FileHandle(forWritingAtPath: prefix + "out")
        process.standardError = FileHandle(forWritingAtPath: prefix + "err")
        try process.run()
        let end = Date().addingTimeInterval(min(seconds, 3600))
        var peak = 0
        while process.isRunning, Date() < end {
            peak = max(peak, peakMemory(process.processIdentifier))
            usleep(5_000)
        }
        if process.isRunning { kill(process.processIdentifier, number) }
        process.waitUntilExit()
        return Result(
            status: process.terminationStatus, killed: process.terminationReason == .uncaughtSignal,
            output: try String(contentsOfFile: prefix + "out", encoding: .utf8),
            errors: try String(contentsOfFile: prefix + "err", encoding: .utf8), peak: peak)
    }

    /// VmHWM of a process in bytes, 0 where it is gone.
    private static func peakMemory(_ process: Int32) -> Int {
        let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return (line?.split(separator: " ").compactMap { Int($0) }.first ?? 0) << 10
    }
}
