import ArgumentParser
import Weights

/// Turns a PyTorch checkpoint into a safetensors file, once.
struct ImportWeightsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import-weights",
        abstract: "Turn a PyTorch checkpoint (.pth) into a safetensors file.",
        discussion: """
            The checkpoint is read by an interpreter that can build tensors and nothing else; no code in it is run.
            The published LaMIM weights carry no licence: obtain written permission before using them.
            """)

    @Argument(help: "The checkpoint, as written by torch.save.")
    var checkpoint: String

    @Argument(help: "The safetensors file to write.")
    var weights: String

    @Option(help: "Where the permission to use these weights is written down; kept in the file.")
    var licenceRef: String?

    func run() throws {
        let report = try WeightsImport(
            source: checkpoint, target: weights, licenceReference: licenceRef,
            program: "coordinator import-weights"
        ).run()
        for line in report.lines { print(line) }
    }
}
