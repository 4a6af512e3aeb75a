import CKernels
import Compute

extension TransformerTrunk {
    /// Patch embedding as a product: tokens = patches · Wᵀ + bias + position, and for every absent contrast its vector.
    func embed(_ images: UnsafePointer<Float>, count: Int, present: [[Bool]]?) throws(EncoderError) {
        let e = encoder
        let product = stack.activations.product
        let bytes = tokens * e.patchValues * device.precision.bytes
        for i in 0..<count {
            let own = images + i * e.imageValues
            let image = scaledInput?.scaled(own, present: present?[i]) ?? own
            let shown = visible.map { Array($0[i * tokens..<(i + 1) * tokens]) }
            ck_patchify(
                device.team, image, patches.base + i * bytes, device.half, 1, e.inChannels, e.imageSize, e.patchSize,
                shown, tokens)
        }
        try parameters.multiply(
            patches.base, weight: embedding.weight, into: product, m: count * tokens, halfResult: false)
        let bias = parameters.vector(embedding.bias)
        let vectors = parameters.vector(embedding.absent)
        let values = tokens * e.hidden
        for i in 0..<count {
            var offset = Array(UnsafeBufferPointer(start: bias, count: e.hidden))
            for channel in absent[i] {
                for j in 0..<e.hidden { offset[j] += vectors[channel * e.hidden + j] }
            }
            ck_bias_residual(
                device.team, positions(of: i), product + i * values, offset, stack.input + i * values, tokens, e.hidden)
        }
    }

    /// The position embeddings of a case's tokens, (tokens, hidden). Those of tokens shown are put together where the
    /// first block's input comes to lie.
    private func positions(of sample: Int) -> UnsafePointer<Float> {
        let all = parameters.vector(embedding.position)
        guard let visible else { return all }
        let hidden = encoder.hidden
        let rows = stack.input + sample * tokens * hidden
        for t in 0..<tokens {
            (rows + t * hidden).update(from: all + Int(visible[sample * tokens + t]) * hidden, count: hidden)
        }
        return UnsafePointer(rows)
    }

    /// The gradients of the embedding's parameters from that of the tokens, which lies in `gradients.sum`.
    func embedBackward(_ g: ActivationGradients, into out: Gradients, accumulate: Bool) throws(EncoderError) {
        let e = encoder
        let rows = current * tokens
        let values = tokens * e.hidden
        let flag: Int32 = accumulate ? 1 : 0
        let half = device.precision.half
        ck_column_sum_cast(
            device.team, g.sum, half ? g.sumHalf : nil, device.half, out.pointer(embedding.bias), flag, rows, e.hidden)
        if let weight = out.pointer(embedding.weight) {
            try computed { () throws(ComputeError) in
                try device.multiply(
                    Matrix(g.sumHalf, width: e.hidden).transposed, Matrix(patches.base, width: e.patchValues),
                    into: weight, m: e.hidden, n: e.patchValues, k: rows, accumulate: accumulate)
            }
        }
        if let position = out.pointer(embedding.position) {
            if !accumulate { position.update(repeating: 0, count: e.tokens * e.hidden) }
            if let visible {
                for (row, token) in visible.enumerated() {
                    ck_axpy(device.team, 1, g.sum + row * e.hidden, position + Int(token) * e.hidden, e.hidden)
                }
            } else {
                for i in 0..<current { ck_axpy(device.team, 1, g.sum + i * values, position, values) }
            }
        }
        if let vectors = out.pointer(embedding.absent) {
            if !accumulate { vectors.update(repeating: 0, count: e.inChannels * e.hidden) }
            for i in 0..<current {
                for channel in absent[i] {
                    ck_column_sum_cast(
                        device.team, g.sum + i * values, nil, 0, vectors + channel * e.hidden, 1, tokens, e.hidden)
                }
            }
        }
    }

    /// The gradient of the input images from that of the tokens, after ``embedBackward(_:into:accumulate:)``.
    func imageGradient(_ g: ActivationGradients, into images: UnsafeMutablePointer<Float>) throws(EncoderError) {
        let e = encoder
        let rows = current * e.tokens
        guard let weight = parameters.matrix(embedding.weight) else {
            throw EncoderError(.input, "packed parameters have no gradients: load the model for training")
        }
        if device.precision.half { ck_to_half(device.team, g.sum, half(g.sumHalf), rows * e.hidden) }
        try computed { () throws(ComputeError) in
            let patches = try Buffer<Float>(count: rows * e.patchValues)
            try device.multiply(
                Matrix(g.sumHalf, width: e.hidden), Matrix(weight, width: e.patchValues), into: patches.base, m: rows,
                n: e.patchValues, k: e.hidden)
            ck_unpatchify(device.team, patches.base, images, current, e.inChannels, e.imageSize, e.patchSize)
        }
    }

    private func half(_ pointer: UnsafeMutableRawPointer) -> UnsafeMutablePointer<UInt16> {
        pointer.assumingMemoryBound(to: UInt16.self)
    }
}
