import ArgumentParser
@preconcurrency import Glibc

/// The site agent: checks a hospital's data, fine-tunes the encoder on it and predicts with it, all on this machine.
@main
struct Agent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent",
        abstract: "Fine-tune and read a brain-MRI foundation model on this site's scans.",
        discussion: "Investigational output. Not a medical device. Must not inform the care of any patient.",
        subcommands: [
            InspectCommand.self, CheckCommand.self, FitCommand.self, PretrainCommand.self, InferCommand.self,
            RecalibrateCommand.self, ExplainCommand.self,
            ImportWeightsCommand.self,
            PurgeCommand.self, SynthesizeCommand.self, EnrollCommand.self, RunCommand.self, WorkerCommand.self,
            UpCommand.self, StatusCommand.self, ApproveCommand.self, RefuseCommand.self, LogCommand.self,
            ReleasesCommand.self, DoctorCommand.self, DoctorSandboxCommand.self,
        ])

    /// Confines the process, where the command asks for it, before another thread or the command begins.
    static func main() async {
        // A log file, too, shows each line when it is written.
        setvbuf(stdout, nil, _IOLBF, 0)
        do {
            var command = try parseAsRoot()
            if let confined = command as? any ConfinedCommand { try confined.confine() }
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch { exit(withError: error) }
    }
}
