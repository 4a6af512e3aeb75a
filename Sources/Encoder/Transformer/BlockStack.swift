import CKernels
import CMathBackends
import Compute

/// The sizes of a stack of transformer blocks.
struct BlockShape: Sendable, Equatable {
    /// Tokens of a case.
    var tokens: Int
    var hidden: Int
    var heads: Int
    var layers: Int
    var mlp: Int

    var headDepth: Int { hidden / heads }
}

/// Transformer blocks, run forward and backward; what comes before the first and after the last is its owner's.
final class BlockStack {
    let shape: BlockShape
    let parameters: any ParameterSource
    let device: Device
    /// Whether activations are kept for a backward pass.
    let training: Bool
    let activations: Activations
    let gradients: ActivationGradients?
    let indices: [BlockIndices]

    /// - Parameter prefix: what the names of its parameters begin with, such as `blocks.`.
    init(_ shape: BlockShape, prefix: String, parameters: any ParameterSource, batch: Int, training: Bool)
        throws(EncoderError)
    {
        self.shape = shape
        self.parameters = parameters
        self.training = training
        device = parameters.device
        indices = (0..<shape.layers).map { BlockIndices(parameters.layout, "\(prefix)\($0)") }
        do throws(ComputeError) {
            activations = try Activations(shape, batch: batch, precision: device.precision, training: training)
            gradients = training ? try ActivationGradients(shape, batch: batch, precision: device.precision) : nil
        } catch { throw EncoderError(error) }
    }

    /// Runs all blocks over what lies in the first one's input.
    func forward(count: Int) throws(EncoderError) {
        for i in indices.indices { try forward(block: i, count: count) }
    }

    /// Where the tokens of the first block are put, (count × tokens, hidden) fp32.
    var input: UnsafeMutablePointer<Float> { activations.blocks[0].input }

    /// The output (rows, hidden) of a block of the last forward pass; in inference only that of the block just run.
    func output(of block: Int) -> UnsafeMutablePointer<Float> {
        block + 1 < activations.blocks.count ? activations.blocks[block + 1].input : activations.output
    }

    /// Gradients' memory, of a stack made for training.
    func requireGradients() throws(EncoderError) -> ActivationGradients {
        guard let gradients else {
            throw EncoderError(.input, "this network was made for inference and keeps nothing for gradients")
        }
        return gradients
    }

    private static var epsilon: Float { 1e-5 }

    /// h = h + attention(LN₁(h)); h = h + mlp(LN₂(h)) (LAMIM §3.2).
    func forward(block index: Int, count: Int) throws(EncoderError) {
        let e = shape
        let p = indices[index]
        let a = activations.blocks[index]
        let rows = count * e.tokens
        let team = device.team
        let half = device.half
        ck_layernorm_forward(
            team, a.input, parameters.vector(p.norm1), parameters.vector(p.norm1Bias), a.norm1, half, a.mean1, a.rstd1,
            rows, e.hidden, Self.epsilon)
        try parameters.multiply(a.norm1, weight: p.qkv, into: a.qkv, m: rows, halfResult: device.precision.half)
        try computed { () throws(ComputeError) in try device.attend(attention(a, count: count)) }
        try parameters.multiply(a.attended, weight: p.out, into: activations.product, m: rows, halfResult: false)
        ck_bias_residual(team, a.input, activations.product, parameters.vector(p.outBias), a.middle, rows, e.hidden)

        ck_layernorm_forward(
            team, a.middle, parameters.vector(p.norm2), parameters.vector(p.norm2Bias), a.norm2, half, a.mean2,
            a.rstd2, rows, e.hidden, Self.epsilon)
        try parameters.multiply(a.norm2, weight: p.linear1, into: activations.product, m: rows, halfResult: false)
        ck_bias_gelu_forward(
            team, activations.product, parameters.vector(p.linear1Bias), training ? a.before : nil, a.inner, half,
            rows, e.mlp)
        try parameters.multiply(a.inner, weight: p.linear2, into: activations.product, m: rows, halfResult: false)
        ck_bias_residual(
            team, a.middle, activations.product, parameters.vector(p.linear2Bias), output(of: index), rows, e.hidden)
    }

    private func attention(_ a: Activations.Block, count: Int) -> mb_attention {
        let e = shape
        return mb_attention(
            batch: count, tokens: e.tokens, heads: e.heads, depth: e.headDepth,
            type: device.precision.half ? MB_BF16 : MB_F32, qkv: a.qkv, p: a.probabilities, o: a.attended)
    }

    /// The gradient of a block: `g.sum` holds that of its output and receives that of its input.
    ///
    /// - Parameter probabilityGradient: receives the gradient of the attention probabilities when not nil.
    func backward(
        block index: Int, count: Int, _ g: ActivationGradients, into out: Gradients, accumulate: Bool,
        probabilityGradient: UnsafeMutablePointer<Float>?
    ) throws(EncoderError) {
        let e = shape
        let p = indices[index]
        let a = activations.blocks[index]
        let rows = count * e.tokens
        let team = device.team
        let half = device.half
        let flag: Int32 = accumulate ? 1 : 0
        let castTarget = device.precision.half ? g.sumHalf : nil
        let product = activations.product

        // mlp
        ck_column_sum_cast(team, g.sum, castTarget, half, out.pointer(p.linear2Bias), flag, rows, e.hidden)
        try weightGradient(p.linear2, g.sumHalf, e.hidden, a.inner, e.mlp, rows, out, accumulate)
        try dataGradient(p.linear2, g.sumHalf, e.hidden, into: product, e.mlp, rows, halfResult: false)
        // The inner activations were needed for the last time above: their place takes the gradient.
        ck_gelu_backward(
            team, product, a.before, a.inner, half, out.pointer(p.linear1Bias) ?? g.unused, flag, rows, e.mlp)
        try weightGradient(p.linear1, a.inner, e.mlp, a.norm2, e.hidden, rows, out, accumulate)
        try dataGradient(p.linear1, a.inner, e.mlp, into: product, e.hidden, rows, halfResult: false)
        normBackward(
            a.middle, product, p.norm2, p.norm2Bias, a.mean2, a.rstd2, g, residual: g.sum, out, accumulate: accumulate,
            rows: rows)

        // attention
        ck_column_sum_cast(team, g.sum, castTarget, half, out.pointer(p.outBias), flag, rows, e.hidden)
        try weightGradient(p.out, g.sumHalf, e.hidden, a.attended, e.hidden, rows, out, accumulate)
        try dataGradient(
            p.out, g.sumHalf, e.hidden, into: g.attended, e.hidden, rows, halfResult: device.precision.half)
        try computed { () throws(ComputeError) in
            try device.attendBackward(
                attention(a, count: count), outputGradient: g.attended, qkvGradient: g.qkv,
                probabilityGradient: probabilityGradient)
        }
        try weightGradient(p.qkv, g.qkv, 3 * e.hidden, a.norm1, e.hidden, rows, out, accumulate)
        try dataGradient(p.qkv, g.qkv, 3 * e.hidden, into: product, e.hidden, rows, halfResult: false)
        normBackward(
            a.input, product, p.norm1, p.norm1Bias, a.mean1, a.rstd1, g, residual: g.sum, out, accumulate: accumulate,
            rows: rows)
    }

    /// `g.sum` = `residual`, if any, + the gradient through a LayerNorm. `residual` may be `g.sum` itself.
    func normBackward(
        _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ weight: Int, _ bias: Int,
        _ mean: UnsafePointer<Float>, _ rstd: UnsafePointer<Float>, _ g: ActivationGradients,
        residual: UnsafePointer<Float>?, _ out: Gradients, accumulate: Bool, rows: Int
    ) {
        let width = shape.hidden
        var dgamma = out.pointer(weight)
        var dbeta = out.pointer(bias)
        if dgamma != nil || dbeta != nil {
            dgamma = dgamma ?? g.unused
            dbeta = dbeta ?? g.unused + width
        }
        ck_layernorm_backward(
            device.team, x, parameters.vector(weight), dy, mean, rstd, residual, g.sum, dgamma, dbeta,
            accumulate ? 1 : 0,
            rows, width)
    }

    /// dW (outputs, inputs) = dyᵀ · x for dy (rows, outputs), x (rows, inputs); nothing when W is not trained.
    func weightGradient(
        _ index: Int, _ dy: UnsafeRawPointer, _ outputs: Int, _ x: UnsafeRawPointer, _ inputs: Int, _ rows: Int,
        _ out: Gradients, _ accumulate: Bool
    ) throws(EncoderError) {
        guard let target = out.pointer(index) else { return }
        try computed { () throws(ComputeError) in
            try device.multiply(
                Matrix(dy, width: outputs).transposed, Matrix(x, width: inputs), into: target, m: outputs, n: inputs,
                k: rows, accumulate: accumulate)
        }
    }

    /// dx (rows, inputs) = dy · W for dy (rows, outputs), W (outputs, inputs).
    func dataGradient(
        _ index: Int, _ dy: UnsafeRawPointer, _ outputs: Int, into dx: UnsafeMutableRawPointer, _ inputs: Int,
        _ rows: Int, halfResult: Bool
    ) throws(EncoderError) {
        guard let weight = parameters.matrix(index) else {
            throw EncoderError(.input, "packed parameters have no gradients: load the model for training")
        }
        try computed { () throws(ComputeError) in
            try device.multiply(
                Matrix(dy, width: outputs), Matrix(weight, width: inputs), into: dx, m: rows, n: inputs, k: outputs,
                halfResult: halfResult)
        }
    }
}

/// Indices of a block's parameters in the layout.
struct BlockIndices {
    let linear1, linear1Bias, linear2, linear2Bias, norm1, norm1Bias, out, outBias, qkv, norm2, norm2Bias: Int

    init(_ layout: ParameterLayout, _ block: String) {
        func index(_ name: String) -> Int { layout.position("\(block).\(name)") }
        linear1 = index("mlp.linear1.weight")
        linear1Bias = index("mlp.linear1.bias")
        linear2 = index("mlp.linear2.weight")
        linear2Bias = index("mlp.linear2.bias")
        norm1 = index("norm1.weight")
        norm1Bias = index("norm1.bias")
        out = index("attn.out_proj.weight")
        outBias = index("attn.out_proj.bias")
        qkv = index("attn.qkv.weight")
        norm2 = index("norm2.weight")
        norm2Bias = index("norm2.bias")
    }

    /// All of them.
    var all: [Int] {
        [linear1, linear1Bias, linear2, linear2Bias, norm1, norm1Bias, out, outBias, qkv, norm2, norm2Bias]
    }
}
