import Compute

/// Memory for the activations of a stack of blocks, planned once for its largest batch.
///
/// Shapes below: R = batch × tokens rows, H hidden, F mlp, A the device's activation type (fp32 or bfloat16).
final class Activations {
    /// What one block keeps for its backward pass. In inference all blocks share one.
    struct Block {
        /// Input (R, H) fp32 and the sum after attention (R, H) fp32. In inference both are the running sum.
        let input, middle: UnsafeMutablePointer<Float>
        let norm1, qkv, probabilities, attended, norm2, before, inner: UnsafeMutableRawPointer
        let mean1, rstd1, mean2, rstd2: UnsafeMutablePointer<Float>
    }

    let blocks: [Block]
    /// The last block's output (R, H) fp32.
    let output: UnsafeMutablePointer<Float>
    /// (R, max(H, F)) fp32, for the result of a product before it is finished.
    let product: UnsafeMutablePointer<Float>
    private let arena: Arena

    init(_ e: BlockShape, batch: Int, precision: Precision, training: Bool) throws(ComputeError) {
        let rows = batch * e.tokens
        let a = precision.bytes
        let arena = Arena()
        let product = arena.reserve(bytes: rows * max(e.hidden, e.mlp) * 4)
        let sums = (0..<(training ? 2 * e.layers + 1 : 1)).map { _ in arena.reserve(bytes: rows * e.hidden * 4) }
        let pieces = (0..<(training ? e.layers : 1)).map { _ in
            [
                rows * e.hidden * a, rows * 3 * e.hidden * a, batch * e.heads * e.tokens * e.tokens * a,
                rows * e.hidden * a, rows * e.hidden * a, training ? rows * e.mlp * a : 0, rows * e.mlp * a,
                rows * 4, rows * 4, rows * 4, rows * 4,
            ].map { arena.reserve(bytes: $0) }
        }
        try arena.allocate()
        func floats(_ piece: Arena.Piece) -> UnsafeMutablePointer<Float> {
            arena.pointer(piece).assumingMemoryBound(to: Float.self)
        }
        self.product = floats(product)
        output = floats(sums[sums.count - 1])
        blocks = (0..<e.layers).map { i in
            let p = pieces[training ? i : 0]
            return Block(
                input: floats(sums[training ? 2 * i : 0]), middle: floats(sums[training ? 2 * i + 1 : 0]),
                norm1: arena.pointer(p[0]), qkv: arena.pointer(p[1]), probabilities: arena.pointer(p[2]),
                attended: arena.pointer(p[3]), norm2: arena.pointer(p[4]), before: arena.pointer(p[5]),
                inner: arena.pointer(p[6]), mean1: floats(p[7]), rstd1: floats(p[8]), mean2: floats(p[9]),
                rstd2: floats(p[10]))
        }
        self.arena = arena
    }
}

/// Memory for the gradients of activations on their way down.
final class ActivationGradients {
    /// (R, H) fp32: the gradient of the running sum.
    let sum: UnsafeMutablePointer<Float>
    /// (R, H) in A: the same for products; in fp32 the same memory.
    let sumHalf: UnsafeMutableRawPointer
    /// (R, H) in A: the gradient of the attention's output.
    let attended: UnsafeMutableRawPointer
    /// (R, 3H) in A.
    let qkv: UnsafeMutableRawPointer
    /// Gradients nobody asked for: max(H, F) fp32.
    let unused: UnsafeMutablePointer<Float>
    private let arena: Arena

    init(_ e: BlockShape, batch: Int, precision: Precision) throws(ComputeError) {
        let rows = batch * e.tokens
        let a = precision.bytes
        let arena = Arena()
        let pieces = [
            rows * e.hidden * 4, precision.half ? rows * e.hidden * a : 0, rows * e.hidden * a,
            rows * 3 * e.hidden * a, 2 * max(e.hidden, e.mlp) * 4,
        ].map { arena.reserve(bytes: $0) }
        try arena.allocate()
        sum = arena.pointer(pieces[0]).assumingMemoryBound(to: Float.self)
        sumHalf = arena.pointer(pieces[precision.half ? 1 : 0])
        attended = arena.pointer(pieces[2])
        qkv = arena.pointer(pieces[3])
        unused = arena.pointer(pieces[4]).assumingMemoryBound(to: Float.self)
        self.arena = arena
    }
}
