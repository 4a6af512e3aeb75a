import ArgumentParser
import Compute

/// How the machine is used: the same for all commands that run the encoder.
struct MachineOptions: ParsableArguments {
    @Option(help: "Of matrix products; by default bf16 where the processor is faster at it.")
    var precision: Precision?

    @Option(help: "Threads; by default one for each processor.")
    var threads: Int?

    var chosenPrecision: Precision { precision ?? .suited }
}
