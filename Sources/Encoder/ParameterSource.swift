package import Compute

/// Where a network finds its parameters: a trainable store, or matrices packed for inference.
package protocol ParameterSource: AnyObject {
    var layout: ParameterLayout { get }
    var device: Device { get }

    /// `c = a weightᵀ` for a matrix parameter (n, k): a is (m, k) in the device's precision, c is (m, n).
    func multiply(
        _ a: UnsafeRawPointer, weight index: Int, into c: UnsafeMutableRawPointer, m: Int, halfResult: Bool
    ) throws(EncoderError)

    /// A matrix parameter as it lies in memory, row-major in the device's precision; nil where it is packed.
    func matrix(_ index: Int) -> UnsafeRawPointer?

    /// An fp32 parameter.
    func vector(_ index: Int) -> UnsafePointer<Float>
}

extension Parameter {
    /// Rows and columns of a matrix parameter as a linear layer sees it: outputs × inputs.
    var matrixShape: (rows: Int, columns: Int) { (shape[0], count / shape[0]) }
}
