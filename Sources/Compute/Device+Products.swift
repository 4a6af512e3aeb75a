package import CMathBackends

/// A matrix in memory: a pointer and two strides in elements, one of them 1.
package struct Matrix {
    package var pointer: UnsafeRawPointer
    package var rowStride: Int
    package var columnStride: Int

    /// A row-major matrix whose rows are `width` apart. The compiler refuses an array here, whose pointer would not
    /// outlive the call: ``lending(_:width:_:)`` is for arrays.
    package init(@_nonEphemeral _ pointer: UnsafeRawPointer, width: Int) {
        self.pointer = pointer
        rowStride = width
        columnStride = 1
    }

    /// Lends an array's numbers as a row-major matrix for the time of a call.
    package static func lending<Element: BitwiseCopyable, R, E: Error>(
        _ values: [Element], width: Int, _ body: (Matrix) throws(E) -> R
    ) throws(E) -> R {
        try values.withUnsafeBufferPointer { (buffer) throws(E) -> R in
            guard let base = buffer.baseAddress else { preconditionFailure("a matrix has at least one number") }
            return try body(Matrix(base, width: width))
        }
    }

    /// The same numbers read as the transposed matrix.
    package var transposed: Matrix {
        var other = self
        swap(&other.rowStride, &other.columnStride)
        return other
    }
}

extension Device {
    /// `c[m][n] (+)= Σₖ a[m][k] b[k][n]` in the device's precision, or in fp32 when `full`.
    ///
    /// - Parameters:
    ///   - c: row-major (m, n): bfloat16 when `halfResult`, else fp32.
    ///   - accumulate: adds to `c` (fp32 only) instead of replacing it.
    package func multiply(
        _ a: Matrix, _ b: Matrix, into c: UnsafeMutableRawPointer, m: Int, n: Int, k: Int, full: Bool = false,
        halfResult: Bool = false, accumulate: Bool = false
    ) throws(ComputeError) {
        var product = mb_product(
            m: m, n: n, k: k, type: precision.half && !full ? MB_BF16 : MB_F32, a: a.pointer, a_row: a.rowStride,
            a_column: a.columnStride, b: b.pointer, b_row: b.rowStride, b_column: b.columnStride, c: c, c_row: n,
            c_half: halfResult ? 1 : 0, accumulate: accumulate ? 1 : 0)
        try check(mb_multiply(backend, &product), "(\(m), \(n), \(k))")
    }

    /// Attention over the rows of qkv; see `mb_attention`.
    package func attend(_ attention: mb_attention) throws(ComputeError) {
        var attention = attention
        try check(mb_attend(backend, &attention), "attention of \(attention.tokens) tokens")
    }

    /// The gradient of qkv from that of the attention's output; `probabilityGradient` receives that of the
    /// probabilities when it is not nil.
    package func attendBackward(
        _ attention: mb_attention, outputGradient: UnsafeRawPointer, qkvGradient: UnsafeMutableRawPointer,
        probabilityGradient: UnsafeMutablePointer<Float>?
    ) throws(ComputeError) {
        var attention = attention
        try check(
            mb_attend_backward(backend, &attention, outputGradient, qkvGradient, probabilityGradient),
            "attention gradient of \(attention.tokens) tokens")
    }

    /// A convolution of cubes in fp32, channels last; see `mb_convolution`.
    package func convolve(
        _ convolution: mb_convolution, _ x: UnsafePointer<Float>, weights: UnsafePointer<Float>,
        into y: UnsafeMutablePointer<Float>
    ) throws(ComputeError) {
        var convolution = convolution
        try check(mb_convolve(backend, &convolution, x, weights, y), "convolution of \(convolution.size)³ voxels")
    }

    /// The gradient of a convolution's input.
    package func convolveData(
        _ convolution: mb_convolution, _ dy: UnsafePointer<Float>, weights: UnsafePointer<Float>,
        into dx: UnsafeMutablePointer<Float>
    ) throws(ComputeError) {
        var convolution = convolution
        try check(
            mb_convolve_data(backend, &convolution, dy, weights, dx),
            "convolution gradient of \(convolution.size)³ voxels"
        )
    }

    /// The gradient of a convolution's weights.
    package func convolveWeights(
        _ convolution: mb_convolution, _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>,
        into dw: UnsafeMutablePointer<Float>, accumulate: Bool
    ) throws(ComputeError) {
        var convolution = convolution
        try check(
            mb_convolve_weights(backend, &convolution, x, dy, dw, accumulate ? 1 : 0),
            "weight gradient of \(convolution.size)³ voxels")
    }

    private func check(_ status: Int32, _ what: String) throws(ComputeError) {
        guard status == 0 else {
            throw ComputeError(
                .product, "\(library.rawValue) refused the \(precision.rawValue) product \(what) with code \(status)")
        }
    }
}

/// A weight matrix (n, k) laid out for inference: `c[m][n] = a[m][k] weightᵀ` with a fixed m.
package final class PackedMatrix {
    private let packed: OpaquePointer
    private let device: Device

    /// - Parameters:
    ///   - weight: row-major (n, k) in the device's precision; copied.
    ///   - halfResult: whether products are stored as bfloat16.
    package init(_ device: Device, weight: UnsafeRawPointer, m: Int, n: Int, k: Int, halfResult: Bool)
        throws(ComputeError)
    {
        let type = device.precision.half ? MB_BF16 : MB_F32
        guard let packed = mb_pack(device.backend, type, weight, m, n, k, halfResult ? 1 : 0) else {
            throw ComputeError(
                .outOfMemory, "\(device.library.rawValue) could not pack a (\(n), \(k)) weight: free memory and retry")
        }
        self.packed = packed
        self.device = device
    }

    deinit { mb_packed_free(packed) }

    /// `c = a weightᵀ`.
    package func multiply(_ a: UnsafeRawPointer, into c: UnsafeMutableRawPointer) throws(ComputeError) {
        let status = mb_multiply_packed(device.backend, packed, a, c)
        guard status == 0 else {
            throw ComputeError(.product, "\(device.library.rawValue) refused a packed product with code \(status)")
        }
    }
}
