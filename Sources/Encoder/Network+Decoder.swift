import CKernels
import Compute

/// The decoder's memory, made at its first pass for the largest batch and kept.
final class DecoderTape {
    /// Tokens after the final norm (R, H) in the activation type, and the norm's statistics.
    let normed: Buffer<UInt8>
    let mean, rstd: Buffer<Float>
    /// Between the two convolutions: (R · 64, deconvolution channels) in the activation type.
    let between: Buffer<UInt8>
    /// The reconstruction (batch, out channels, size³).
    let output: Buffer<Float>
    /// Results of a product before they are put into place, fp32.
    let wide: Buffer<Float>
    /// In training, the gradient between the convolutions fp32, and that of a product's result in the activation type.
    let narrow: Buffer<Float>
    let casted: Buffer<UInt8>

    init(_ e: EncoderConfiguration, batch: Int, precision: Precision, training: Bool) throws(ComputeError) {
        let rows = batch * e.tokens
        let (s1, s2) = e.strides
        let subs = s1 * s1 * s1
        let results = rows * max(e.deconvolutionChannels * subs, subs * e.outChannels * s2 * s2 * s2)
        let a = precision.bytes
        normed = try Buffer(count: rows * e.hidden * a)
        mean = try Buffer(count: rows)
        rstd = try Buffer(count: rows)
        between = try Buffer(count: rows * subs * e.deconvolutionChannels * a)
        output = try Buffer(count: batch * e.outputValues)
        wide = try Buffer(count: results)
        narrow = try Buffer(count: training ? rows * subs * e.deconvolutionChannels : 0)
        casted = try Buffer(count: training ? results * a : 0)
    }
}

extension Network {
    /// Reconstructs images through the decoder: LayerNorm, then two transposed convolutions without overlap, which are
    /// one product a token and one product a sub-position, plus layout steps (LAMIM §3.3).
    ///
    /// - Returns: (count, out channels, size³) fp32, valid until the next reconstruction.
    package func reconstruct(_ images: UnsafePointer<Float>, count: Int, present: [[Bool]]? = nil)
        throws(EncoderError) -> UnsafeMutableBufferPointer<Float>
    {
        let stack = try transformer().stack
        try encode(images, count: count, present: present)
        let e = model.encoder
        let p = DecoderIndices(parameters.layout)
        guard let first = parameters.matrix(p.first), let second = parameters.matrix(p.second) else {
            throw EncoderError(.weights, "the decoder's weights were not loaded")
        }
        let rows = count * e.tokens
        let (s1, s2) = e.strides
        let subs = s1 * s1 * s1
        let d = e.deconvolutionChannels
        let values = e.outChannels * s2 * s2 * s2
        let tape = try computed { () throws(ComputeError) in
            let tape: DecoderTape
            if let decoderTape {
                tape = decoderTape
            } else {
                tape = try DecoderTape(e, batch: batch, precision: device.precision, training: training)
            }
            let wide = tape.wide
            ck_layernorm_forward(
                device.team, stack.activations.output, parameters.vector(p.norm), parameters.vector(p.normBias),
                tape.normed.base, device.half, tape.mean.base, tape.rstd.base, rows, e.hidden, 1e-5)
            try device.multiply(
                Matrix(tape.normed.base, width: e.hidden), Matrix(first, width: d * subs), into: wide.base, m: rows,
                n: d * subs, k: e.hidden)
            ck_transpose_bias(
                device.team, wide.base, parameters.vector(p.firstBias), tape.between.base, device.half, rows, d, subs)
            try device.multiply(
                Matrix(tape.between.base, width: d), Matrix(second, width: values), into: wide.base, m: rows * subs,
                n: values, k: d)
            ck_assemble(
                device.team, wide.base, parameters.vector(p.secondBias), tape.output.base, count, e.outChannels,
                e.grid, s1, s2)
            return tape
        }
        decoderTape = tape
        return UnsafeMutableBufferPointer(rebasing: tape.output.elements[..<(count * e.outputValues)])
    }

    /// Gradients of the decoder's parameters, and of the last block's tokens where the trunk takes them.
    func decoderBackward(
        _ outputGradient: UnsafePointer<Float>, into out: Gradients, accumulate: Bool
    ) throws(EncoderError) {
        let stack = try transformer().stack
        let g = try stack.requireGradients()
        guard let tape = decoderTape else {
            throw EncoderError(.input, "a backward pass of the decoder must follow a reconstruction")
        }
        let e = model.encoder
        let p = DecoderIndices(parameters.layout)
        let rows = current * e.tokens
        let (s1, s2) = e.strides
        let subs = s1 * s1 * s1
        let d = e.deconvolutionChannels
        let values = e.outChannels * s2 * s2 * s2
        let flag: Int32 = accumulate ? 1 : 0
        if let bias = out.pointer(p.secondBias) { channelSums(outputGradient, into: bias, accumulate: accumulate) }
        do throws(ComputeError) {
            let (wide, narrow, casted) = (tape.wide, tape.narrow, tape.casted)
            ck_disassemble(device.team, outputGradient, wide.base, current, e.outChannels, e.grid, s1, s2)
            ck_column_sum_cast(
                device.team, wide.base, casted.base, device.half, nil, 0, rows * subs, values)
            try gradient(
                of: p.second, tape.between.base, d, casted.base, values, rows * subs, out, accumulate,
                into: narrow.base)
            // (R, 64, d) back to (R, d, 64), the order of the first convolution's columns.
            ck_transpose_bias(device.team, narrow.base, nil, wide.base, 0, rows, subs, d)
            if let bias = out.pointer(p.firstBias) {
                ck_column_sum_cast(device.team, narrow.base, nil, 0, bias, flag, rows * subs, d)
            }
            ck_column_sum_cast(
                device.team, wide.base, casted.base, device.half, nil, 0, rows, d * subs)
            try gradient(
                of: p.first, tape.normed.base, e.hidden, casted.base, d * subs, rows, out, accumulate,
                into: stack.activations.product)
        } catch { throw EncoderError(error) }
        stack.normBackward(
            stack.activations.output, stack.activations.product, p.norm, p.normBias, tape.mean.base, tape.rstd.base, g,
            residual: nil, out, accumulate: accumulate, rows: rows)
    }

    /// For y = x · W with x (rows, inputs), W (inputs, outputs): dW = xᵀ · dy and dx = dy · Wᵀ.
    private func gradient(
        of index: Int, _ x: UnsafeRawPointer, _ inputs: Int, _ dy: UnsafeRawPointer, _ outputs: Int, _ rows: Int,
        _ out: Gradients, _ accumulate: Bool, into dx: UnsafeMutableRawPointer
    ) throws(ComputeError) {
        if let weight = out.pointer(index) {
            try device.multiply(
                Matrix(x, width: inputs).transposed, Matrix(dy, width: outputs), into: weight, m: inputs, n: outputs,
                k: rows, accumulate: accumulate)
        }
        guard let weight = parameters.matrix(index) else { return }
        try device.multiply(
            Matrix(dy, width: outputs), Matrix(weight, width: outputs).transposed, into: dx, m: rows, n: inputs,
            k: outputs)
    }

    private func channelSums(
        _ gradient: UnsafePointer<Float>, into bias: UnsafeMutablePointer<Float>, accumulate: Bool
    ) {
        let e = model.encoder
        let voxels = e.outputValues / e.outChannels
        if !accumulate { bias.update(repeating: 0, count: e.outChannels) }
        for i in 0..<current * e.outChannels {
            var sum = 0.0
            for v in 0..<voxels { sum += Double(gradient[i * voxels + v]) }
            bias[i % e.outChannels] += Float(sum)
        }
    }
}

/// Indices of the decoder's parameters.
struct DecoderIndices {
    let norm, normBias, first, firstBias, second, secondBias: Int

    init(_ layout: ParameterLayout) {
        norm = layout.position("norm.weight")
        normBias = layout.position("norm.bias")
        first = layout.position("conv3d_transpose.weight")
        firstBias = layout.position("conv3d_transpose.bias")
        second = layout.position("conv3d_transpose_1.weight")
        secondBias = layout.position("conv3d_transpose_1.bias")
    }
}
