import ArgumentParser
import CoordinatorService
import Federation

/// How the serving coordinator stands.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Say how the serving coordinator stands.")
    @OptionGroup var options: StateOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let status = try await options.carryOut(ServiceStatus())
        try output.show(status) {
            [
                "\(status.name), federation \(status.federation), \(status.software), process \(status.process)",
                "agents connect to \(status.address) (\(status.connections) connected)",
                status.enrolment.map { "sites enrol at \($0)" } ?? "no code is outstanding: nobody can enrol",
                "\(status.sites) sites, \(status.studies) studies, \(status.head.sequence) rows in the transcript",
                "the server's certificate lasts until \(status.certificateExpires) and renews itself",
            ]
        }
    }
}

/// Whether the record is whole.
struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check the transcript's chain and the objects it needs.",
        discussion: "Every row holds the hash of the one before it; the last hash is what sites remember.")
    @OptionGroup var options: StateOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let answer = try await options.carryOut(VerifyTranscript(), alone: true)
        try output.show(answer) {
            answer.damaged + [
                "\(answer.head.sequence) rows follow from one another, the last is \(answer.head.hash); "
                    + "\(answer.objects - answer.damaged.count) of \(answer.objects) objects are whole"
            ]
        }
        if !answer.damaged.isEmpty { throw ExitCode(1) }
    }
}

/// A round folded anew.
struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Fold a committed round anew from the updates that are kept, and compare.")
    @OptionGroup var options: StateOptions
    @OptionGroup var output: OutputOptions
    @Option var study: String
    @Option var round: Int

    func run() async throws {
        let answer = try await options.carryOut(ReplayRound(study: study, round: round), alone: true)
        try output.show(answer) {
            [
                answer.agrees
                    ? "round \(round) of \(study): \(answer.updates) updates fold to the recorded model \(answer.recorded)"
                    : "round \(round) of \(study): the record says \(answer.recorded), the updates fold to "
                        + answer.folded
            ]
        }
        if !answer.agrees { throw ExitCode(1) }
    }
}

/// A copy of the state.
struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copy the coordinator's state into a new folder, also while it serves.",
        discussion: "The copy holds the keys: keep it where only you can read it.")
    @OptionGroup var options: StateOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "A new or an empty folder.") var folder: String

    func run() async throws {
        let answer = try await options.carryOut(BackUp(folder: absolute(folder)), alone: true)
        try output.show(answer) {
            [
                "\(answer.head.sequence) rows, \(answer.objects) objects and the keys are in \(folder) "
                    + "(\(Figures.bytes(answer.bytes)))"
            ]
        }
    }
}

/// The way back from a copy.
struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Make a state folder from a backup.",
        discussion: """
            The state folder must be new or empty. The copy is checked first: the database's pages, the transcript's \
            chain, every object. What happened after the backup is lost, and the sites are told so.
            """)
    @OptionGroup var options: StateOptions
    @Argument(help: "A folder made by coordinator backup.") var folder: String

    func run() async throws {
        let head = try await Restoration(from: absolute(folder), to: options.folder).run()
        print("\(options.folder.path) is restored up to row \(head.sequence); serve it with coordinator serve")
    }
}

/// The locked test set.
struct LockedTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "locked-test", abstract: "Open a study's locked test set.", subcommands: [Open.self])

    struct Open: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Open the locked test: recorded, and counted in every report from then on.")
        @OptionGroup var options: StateOptions
        @Option var study: String
        @Option(help: "The model's digest; by default the model in force.") var model: String?
        @Option(help: "Why, in one sentence; recorded.") var purpose: String
        @Flag(name: [.long, .short], help: "Do not ask.") var yes = false

        func run() async throws {
            if !yes {
                try confirm("Open the locked test of \(study)? Every opening is counted in every later report. [y/N]")
            }
            let report = try await options.carryOut(OpenLockedTest(study: study, model: model, purpose: purpose))
            print("the locked test of \(study) is open; times opened: \(report.status.lockedTestOpenings)")
        }
    }
}
