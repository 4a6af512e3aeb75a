package import Compute

/// Why a model cannot be built, loaded or run, in one sentence.
package struct EncoderError: Error, CustomStringConvertible, Sendable {
    package enum Code: Sendable { case configuration, weights, memory, compute, input }
    package let code: Code
    package let description: String

    package init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    /// A failure of the computation beneath.
    package init(_ error: ComputeError) {
        self.init(error.code == .outOfMemory ? .memory : .compute, error.description)
    }
}
