import ArgumentParser

/// The coordinator of a federation. Today it prepares initial weights.
@main
struct Coordinator: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coordinator",
        abstract: "Coordinate the training of one brain-MRI foundation model by several hospitals.",
        discussion: "Investigational output. Not a medical device. Must not inform the care of any patient.",
        subcommands: [ImportWeightsCommand.self, EvaluationChildCommand.self])
}
