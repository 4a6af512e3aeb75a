/// Why a computation cannot be set up or carried out on this machine, in one sentence.
package struct ComputeError: Error, CustomStringConvertible, Sendable {
    package enum Code: Sendable { case outOfMemory, precision, library, threads, product }
    package let code: Code
    package let description: String

    package init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    static func outOfMemory(bytes: Int) -> ComputeError {
        ComputeError(
            .outOfMemory,
            "the machine has no \(bytes >> 20) MiB of memory left: close other programs or choose a smaller preset")
    }
}
