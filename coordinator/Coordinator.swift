import ArgumentParser
import CoordinatorService
@preconcurrency import Glibc

/// The coordinator of a federation: serves its rounds, and is told by its other commands what to do.
@main
struct Coordinator: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coordinator",
        abstract: "Coordinate the training of one brain-MRI foundation model by several hospitals.",
        discussion: "Investigational output. Not a medical device. Must not inform the care of any patient.",
        subcommands: [
            InitCommand.self, ServeCommand.self, StatusCommand.self, SiteCommand.self, StudyCommand.self,
            ReleaseCommand.self, LockedTestCommand.self, EvaluateCommand.self, ReportCommand.self, VerifyCommand.self,
            ReplayCommand.self,
            BackupCommand.self,
            RestoreCommand.self, ExportRootCommand.self, ImportWeightsCommand.self, EvaluationChildCommand.self,
        ])

    static func main() async {
        // A log file, too, shows each line when it is written.
        setvbuf(stdout, nil, _IOLBF, 0)
        ProcessLimits.harden()
        await main(nil)
    }
}
