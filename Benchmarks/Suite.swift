import Foundation

/// All measurements, each in a child process; with a Python interpreter, the same work in PyTorch and MONAI in turn.
struct Suite {
    let python: String?

    func run() throws { throw BenchError("not yet") }
}
