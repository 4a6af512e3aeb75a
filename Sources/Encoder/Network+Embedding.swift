import CKernels
import Compute

extension Network {
    /// Patch embedding as a product: tokens = patches · Wᵀ + bias + position, and for every absent contrast its vector.
    func embed(_ images: UnsafePointer<Float>, count: Int) throws(EncoderError) {
        let e = model.encoder
        ck_patchify(
            device.team, images, activations.patches, device.half, count, e.inChannels, e.imageSize, e.patchSize)
        try parameters.multiply(
            activations.patches, weight: embedding.weight, into: activations.product, m: count * e.tokens,
            halfResult: false)
        let bias = parameters.vector(embedding.bias)
        let position = parameters.vector(embedding.position)
        let vectors = parameters.vector(embedding.absent)
        let values = e.tokens * e.hidden
        for i in 0..<count {
            var offset = Array(UnsafeBufferPointer(start: bias, count: e.hidden))
            for channel in absent[i] {
                for j in 0..<e.hidden { offset[j] += vectors[channel * e.hidden + j] }
            }
            ck_bias_residual(
                device.team, position, activations.product + i * values, offset,
                activations.blocks[0].input + i * values, e.tokens, e.hidden)
        }
    }

    /// The gradients of the embedding's parameters from that of the tokens, which lies in `gradients.sum`.
    func embedBackward(_ g: ActivationGradients, into out: Gradients, accumulate: Bool) throws(EncoderError) {
        let e = model.encoder
        let rows = current * e.tokens
        let values = e.tokens * e.hidden
        let flag: Int32 = accumulate ? 1 : 0
        let half = device.precision.half
        ck_column_sum_cast(
            device.team, g.sum, half ? g.sumHalf : nil, device.half, out.pointer(embedding.bias), flag, rows, e.hidden)
        if let weight = out.pointer(embedding.weight) {
            try run { () throws(ComputeError) in
                try device.multiply(
                    Matrix(g.sumHalf, width: e.hidden).transposed, Matrix(activations.patches, width: e.patchValues),
                    into: weight, m: e.hidden, n: e.patchValues, k: rows, accumulate: accumulate)
            }
        }
        if let position = out.pointer(embedding.position) {
            if !accumulate { position.update(repeating: 0, count: values) }
            for i in 0..<current { ck_axpy(device.team, 1, g.sum + i * values, position, values) }
        }
        if let vectors = out.pointer(embedding.absent) {
            if !accumulate { vectors.update(repeating: 0, count: e.inChannels * e.hidden) }
            for i in 0..<current {
                for channel in absent[i] {
                    ck_column_sum_cast(
                        device.team, g.sum + i * values, nil, 0, vectors + channel * e.hidden, 1, e.tokens, e.hidden)
                }
            }
        }
    }

    /// The gradient of the input images from that of the tokens, after ``embedBackward(_:into:accumulate:)``.
    func imageGradient(_ g: ActivationGradients, into images: UnsafeMutablePointer<Float>) throws(EncoderError) {
        let e = model.encoder
        let rows = current * e.tokens
        guard let weight = parameters.matrix(embedding.weight) else {
            throw EncoderError(.input, "packed parameters have no gradients: load the model for training")
        }
        if device.precision.half { ck_to_half(device.team, g.sum, half(g.sumHalf), rows * e.hidden) }
        try run { () throws(ComputeError) in
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
