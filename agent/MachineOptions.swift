import ArgumentParser
import Compute

/// How the machine is used: the same for all commands that run the encoder.
struct MachineOptions: ParsableArguments {
    @Option(help: "Of matrix products; by default bf16 where the processor has it.")
    var precision: Precision?

    @Option(help: "Threads; by default one for each processor.")
    var threads: Int?

    /// The precision asked for, or the faster one this processor has.
    func chosenPrecision() throws -> Precision {
        if let precision { return precision }
        return (try? MathLibrary.suited(to: .bf16)) == nil ? .fp32 : .bf16
    }
}
