import CSandbox
import Federation
import Glibc

/// A command of the site, run to its end in a folder, in a process group of its own.
struct SiteCommand {
    /// The program, looked up in PATH, and its arguments.
    let command: [String]
    let folder: String
    /// Receives what it prints.
    let log: String

    init(_ command: [String], folder: String, log: String) {
        self.command = command
        self.folder = folder
        self.log = log
    }

    /// - Parameter shouldStop: asked while it runs; when true, the command and all it started are ended.
    /// - Returns: its exit status, 128 + the signal that ended it; nil when asked to stop.
    func run(shouldStop: () -> Bool) throws(WorkerResult.Refusal) -> Int32? {
        let arguments = command.map { strdup($0) }
        defer { for argument in arguments { free(argument) } }
        let pointers = arguments.map { $0.map { UnsafePointer($0) } } + [nil]
        // Whatever way this is left, also by a kill of this process, nothing it started runs on: what ends the group is
        // there before the command is.
        var group = pid_t()
        let hold = cs_keep_group(&group)
        guard hold >= 0 else { throw cannotStart("watched over", -hold) }
        defer {
            kill(-group, SIGKILL)
            close(hold)
            waitpid(group, nil, 0)
        }
        var process = pid_t()
        let number = cs_start(pointers, folder, log, group, &process)
        guard number == 0 else { throw cannotStart("started", -number) }
        var status: Int32 = 0
        while true {
            let ended = waitpid(process, &status, WNOHANG)
            if ended == process { break }
            if ended < 0, errno != EINTR { return 255 }
            if shouldStop() {
                end(process, of: group)
                return nil
            }
            usleep(5_000)
        }
        let signal = status & 0x7f
        return signal == 0 ? (status >> 8) & 0xff : 128 + signal
    }

    /// Asks it to end, and ends it when it has not done so within ten seconds.
    private func end(_ process: pid_t, of group: pid_t) {
        kill(-group, SIGTERM)
        for _ in 0..<2_000 {
            if waitpid(process, nil, WNOHANG) != 0 { return }
            usleep(5_000)
        }
        kill(-group, SIGKILL)
        waitpid(process, nil, 0)
    }

    private func cannotStart(_ what: String, _ number: Int32) -> WorkerResult.Refusal {
        WorkerResult.Refusal(
            .failed, "The site's own trainer cannot be started.",
            local: "\(command[0]) cannot be \(what): \(String(cString: strerror(number)))")
    }
}
