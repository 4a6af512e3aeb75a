import ArgumentParser
import CoordinatorService
import Federation
import Glibc
import Logging

/// The serving process.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serve the federation until told to stop.",
        discussion: """
            Prints one line once it serves; logs go to the standard error. Ends in good order on SIGTERM or SIGINT; after \
            a crash the next start goes on where it was.
            """)

    @OptionGroup var options: StateOptions

    func run() async throws {
        ProcessLimits.giveBackMemory()
        let folder = options.folder
        try folder.check()
        let configuration = try CoordinatorConfiguration(folder: folder)
        try ProcessLimits.raiseDescriptors(connections: configuration.connections)
        let level = Logger.Level(rawValue: configuration.logLevel) ?? .info
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
        try await CoordinatorServer(
            folder: folder, configuration: configuration, logger: Logger(label: "consilium.coordinator")
        ).run { line in
            print(line)
            fflush(nil)
        }
    }
}
