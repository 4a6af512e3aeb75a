import CKernels
import Compute

/// What the decoder keeps of its forward pass.
struct DecoderTape {
    /// Tokens after the final norm (R, H) in the activation type, and the norm's statistics.
    let normed: Buffer<UInt8>
    let mean, rstd: Buffer<Float>
    /// Between the two convolutions: (R · 64, deconvolution channels) in the activation type.
    let between: Buffer<UInt8>
    /// The reconstruction (count, out channels, size³).
    let output: Buffer<Float>
}

extension Network {
    /// Reconstructs images through the decoder: LayerNorm, then two transposed convolutions without overlap, which are
    /// one product a token and one product a sub-position, plus layout steps (LAMIM §3.3).
    ///
    /// - Returns: (count, out channels, size³) fp32, valid until the next reconstruction.
    package func reconstruct(_ images: UnsafePointer<Float>, count: Int, present: [[Bool]]? = nil)
        throws(EncoderError) -> UnsafeMutableBufferPointer<Float>
    {
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
        let a = device.precision.bytes
        let tape = try run { () throws(ComputeError) in
            let tape = try DecoderTape(
                normed: Buffer(count: rows * e.hidden * a), mean: Buffer(count: rows), rstd: Buffer(count: rows),
                between: Buffer(count: rows * subs * d * a), output: Buffer(count: count * e.outputValues))
            ck_layernorm_forward(
                device.team, activations.output, parameters.vector(p.norm), parameters.vector(p.normBias),
                tape.normed.base, device.half, tape.mean.base, tape.rstd.base, rows, e.hidden, 1e-5)
            let wide = try Buffer<Float>(count: max(rows * d * subs, rows * subs * values))
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
        return tape.output.elements
    }

    /// Gradients of the decoder's parameters, and of the last block's tokens into `g.sum`.
    func decoderBackward(
        _ outputGradient: UnsafePointer<Float>, _ g: ActivationGradients, into out: Gradients, accumulate: Bool
    ) throws(EncoderError) {
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
        let a = device.precision.bytes
        let flag: Int32 = accumulate ? 1 : 0
        if let bias = out.pointer(p.secondBias) { channelSums(outputGradient, into: bias, accumulate: accumulate) }
        do throws(ComputeError) {
            let wide = try Buffer<Float>(count: max(rows * d * subs, rows * subs * values))
            let narrow = try Buffer<Float>(count: rows * subs * d)
            let casted = try Buffer<UInt8>(count: max(rows * d * subs, rows * subs * values) * a)
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
                into: activations.product)
        } catch { throw EncoderError(error) }
        normBackward(
            activations.output, activations.product, p.norm, p.normBias, tape.mean.base, tape.rstd.base, g,
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
