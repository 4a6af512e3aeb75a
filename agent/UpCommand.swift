import AgentService
import ArgumentParser
import Foundation

/// `agent up`: both halves of a site, kept alive.
struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Run `agent run` and `agent worker` together, for hosts without a service manager.",
        discussion: "Starts again what ends, and ends both on SIGTERM or Ctrl-C.")

    @OptionGroup var options: StateOptions

    @Option(
        help: ArgumentHelp("Folder of prepared scans, outside of STATE; STATE-cache by default.", valueName: "dir"),
        completion: .directory)
    var cache: String?

    func run() async throws {
        let stop = StopRequest()
        let folder = options.folder
        try folder.make()
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let settings = options.config.map { ["--config", $0] } ?? []
        let supervisor = Supervisor(
            program: program,
            commands: [
                ["run", "--state", folder.path] + settings,
                ["worker", "--state", folder.path, "--cache", cache ?? folder.cache],
            ],
            report: Narrator.standardError, isStopped: { stop.isAsked })
        await supervisor.run()
    }
}
