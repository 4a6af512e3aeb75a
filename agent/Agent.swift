import ArgumentParser

/// The site agent: checks a hospital's data, fine-tunes the encoder on it and predicts with it, all on this machine.
@main
struct Agent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent",
        abstract: "Fine-tune and read a brain-MRI foundation model on this site's scans.",
        discussion: "Investigational output. Not a medical device. Must not inform the care of any patient.",
        subcommands: [
            InspectCommand.self, CheckCommand.self, FitCommand.self, InferCommand.self, ImportWeightsCommand.self,
            PurgeCommand.self, SynthesizeCommand.self,
        ])
}
