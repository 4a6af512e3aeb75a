import CKernels
import Compute

/// The encoder under masked pretraining (He et al., CVPR 2022): only some tokens of a case are shown to it, and a narrow
/// decoder predicts the voxels of the others.
///
/// Tokens shown pass the encoder and its final norm and are brought to the decoder's width; the others are the mask
/// token. With their own position embeddings all pass the decoder's blocks; the hidden ones then a norm and one product
/// that gives their patch, flattened as (channel, x, y, z).
package final class MaskedAutoencoder {
    /// Sees the tokens shown.
    package let network: Network
    private let trunk: TransformerTrunk
    private let decoder: BlockStack
    private let indices: Indices
    private let device: Device
    /// Tokens of a case that are predicted.
    package let hidden: Int
    /// Of the last forward pass: places of the tokens shown and of those hidden among all of its cases.
    private var shownRows: [Int] = []
    private var hiddenRows: [Int] = []
    /// (shown, hidden size of the encoder) in the activation type, and the final norm's statistics.
    private let normed: Buffer<UInt8>
    private let mean, rstd: Buffer<Float>
    /// (hidden, decoder width): the last block's output fp32, after the norm in the activation type, its statistics.
    private let gathered: Buffer<Float>
    private let finished: Buffer<UInt8>
    private let finishedMean, finishedRstd: Buffer<Float>
    /// (hidden, channels × patch³), and its gradient in the activation type.
    private let output: Buffer<Float>
    private let outputGradient: Buffer<UInt8>
    /// (all tokens, decoder width) fp32 and in the activation type.
    private let wide: Buffer<Float>
    private let narrow: Buffer<UInt8>

    /// - Parameters:
    ///   - model: has a decoder of masked pretraining.
    ///   - shown: tokens of a case shown, 1..<tokens.
    /// - Throws: ``EncoderError`` when the shape cannot be built or the memory is not there.
    package init(
        _ model: ModelConfiguration, parameters: any ParameterSource, batch: Int, training: Bool, shown: Int
    ) throws(EncoderError) {
        let e = model.encoder
        guard let d = model.maskDecoder, (1..<e.tokens).contains(shown) else {
            throw EncoderError(.configuration, "this model has no decoder for \(e.tokens - shown) hidden tokens")
        }
        guard e.inChannels == e.outChannels else {
            throw EncoderError(.configuration, "masked pretraining predicts the contrasts that it was shown")
        }
        network = try Network(model, parameters: parameters, batch: batch, training: training, tokens: shown)
        trunk = try network.transformer()
        decoder = try BlockStack(
            BlockShape(tokens: e.tokens, hidden: d.hidden, heads: d.heads, layers: d.layers, mlp: d.mlp),
            prefix: ParameterLayout.maskDecoder + "blocks.", parameters: parameters, batch: batch, training: training)
        indices = Indices(parameters.layout)
        device = parameters.device
        hidden = e.tokens - shown
        let a = device.precision.bytes
        do throws(ComputeError) {
            normed = try Buffer(count: batch * shown * e.hidden * a)
            mean = try Buffer(count: batch * shown)
            rstd = try Buffer(count: batch * shown)
            gathered = try Buffer(count: batch * hidden * d.hidden)
            finished = try Buffer(count: batch * hidden * d.hidden * a)
            finishedMean = try Buffer(count: batch * hidden)
            finishedRstd = try Buffer(count: batch * hidden)
            output = try Buffer(count: batch * hidden * e.patchValues)
            outputGradient = try Buffer(count: training && a == 2 ? batch * hidden * e.patchValues * a : 0)
            wide = try Buffer(count: batch * e.tokens * d.hidden)
            narrow = try Buffer(count: batch * shown * d.hidden * a)
        } catch { throw EncoderError(error) }
    }

    /// Predicts the tokens that are not shown.
    ///
    /// - Parameters:
    ///   - images: (count, channels, size³), absent contrasts zero; only tokens shown are read.
    ///   - visible: tokens shown of each case, (count × shown), each case's in rising order.
    ///   - present: for each case which contrasts it has; all when nil.
    /// - Returns: (count × ``hidden``, channels × patch³) fp32, each case's hidden tokens in rising order; valid until
    ///   the next prediction.
    package func predict(_ images: UnsafePointer<Float>, visible: [Int32], count: Int, present: [[Bool]]? = nil)
        throws(EncoderError) -> UnsafeMutableBufferPointer<Float>
    {
        let e = network.model.encoder
        try trunk.forward(images, count: count, present: present, visible: visible)
        place(visible, count: count)
        let team = device.team
        let width = decoder.shape.hidden
        let encoded = trunk.stack.activations.output
        ck_layernorm_forward(
            team, encoded, network.parameters.vector(indices.encoderNorm),
            network.parameters.vector(indices.encoderNormBias), normed.base, device.half, mean.base, rstd.base,
            shownRows.count, e.hidden, Self.epsilon)
        try network.parameters.multiply(
            normed.base, weight: indices.embed, into: wide.base, m: shownRows.count, halfResult: false)
        fillTokens(count: count)
        try decoder.forward(count: count)
        gather(hiddenRows, of: decoder.activations.output, into: gathered.base)
        ck_layernorm_forward(
            team, gathered.base, network.parameters.vector(indices.norm), network.parameters.vector(indices.normBias),
            finished.base, device.half, finishedMean.base, finishedRstd.base, hiddenRows.count, width, Self.epsilon)
        try network.parameters.multiply(
            finished.base, weight: indices.predict, into: output.base, m: hiddenRows.count, halfResult: false)
        let bias = network.parameters.vector(indices.predictBias)
        for row in 0..<hiddenRows.count {
            let values = output.base + row * e.patchValues
            for j in 0..<e.patchValues { values[j] += bias[j] }
        }
        return UnsafeMutableBufferPointer(rebasing: output.elements[..<(hiddenRows.count * e.patchValues)])
    }

    /// A case with what is not shown predicted.
    ///
    /// - Parameters:
    ///   - image: (channels, size³); only tokens shown are read.
    ///   - visible: tokens shown, in rising order.
    /// - Returns: (channels, size³): tokens shown as they are, the others predicted.
    package func restore(_ image: [Float], visible: [Int32], present: [Bool]) throws(EncoderError) -> [Float] {
        let e = network.model.encoder
        let predicted = try predict(image, visible: visible, count: 1, present: [present])
        var patches = [Float](repeating: 0, count: e.imageValues)
        ck_patchify(
            device.team, image, &patches, 0, 1, e.inChannels, e.imageSize, e.patchSize, nil, e.tokens)
        for (row, token) in hiddenRows.enumerated() {
            for j in 0..<e.patchValues { patches[token * e.patchValues + j] = predicted[row * e.patchValues + j] }
        }
        var restored = [Float](repeating: 0, count: e.imageValues)
        ck_unpatchify(device.team, patches, &restored, 1, e.inChannels, e.imageSize, e.patchSize)
        return restored
    }

    /// The patches that a prediction is of, in its order.
    package func targets(_ images: UnsafePointer<Float>, into patches: UnsafeMutablePointer<Float>) {
        let e = network.model.encoder
        let tokens = hiddenRows.map { Int32($0 % e.tokens) }
        ck_patchify(
            device.team, images, patches, 0, trunk.current, e.inChannels, e.imageSize, e.patchSize, tokens, hidden)
    }

    /// Gradients of the last prediction.
    /// - Parameter gradient: of its values.
    package func backward(_ gradient: UnsafePointer<Float>, into out: Gradients, accumulate: Bool = false)
        throws(EncoderError)
    {
        let e = network.model.encoder
        let g = try decoder.requireGradients()
        let encoder = try trunk.stack.requireGradients()
        let team = device.team
        let flag: Int32 = accumulate ? 1 : 0
        let width = decoder.shape.hidden
        let isHalf = device.precision.half
        // The predicting product.
        ck_column_sum_cast(
            team, gradient, isHalf ? outputGradient.base : nil, device.half, out.pointer(indices.predictBias), flag,
            hiddenRows.count, e.patchValues)
        let dy = isHalf ? UnsafeRawPointer(outputGradient.base) : UnsafeRawPointer(gradient)
        try decoder.weightGradient(
            indices.predict, dy, e.patchValues, finished.base, width, hiddenRows.count, out, accumulate)
        try decoder.dataGradient(
            indices.predict, dy, e.patchValues, into: wide.base, width, hiddenRows.count, halfResult: false)
        decoder.normBackward(
            gathered.base, wide.base, indices.norm, indices.normBias, finishedMean.base, finishedRstd.base, g,
            residual: nil, out, accumulate: accumulate, rows: hiddenRows.count)
        // Rows of hidden tokens go to their places among all.
        let rows = trunk.current * e.tokens
        wide.base.update(from: g.sum, count: hiddenRows.count * width)
        g.sum.update(repeating: 0, count: rows * width)
        for (row, place) in hiddenRows.enumerated() {
            (g.sum + place * width).update(from: wide.base + row * width, count: width)
        }
        for block in decoder.indices.indices.reversed() {
            try decoder.backward(
                block: block, count: trunk.current, g, into: out, accumulate: accumulate, probabilityGradient: nil)
        }
        tokenGradients(g, into: out, accumulate: accumulate)
        // The product that brought shown tokens to the decoder's width, and the encoder's final norm.
        gather(shownRows, of: g.sum, into: wide.base)
        ck_column_sum_cast(
            team, wide.base, isHalf ? narrow.base : nil, device.half, out.pointer(indices.embedBias), flag,
            shownRows.count, width)
        let dz = isHalf ? UnsafeRawPointer(narrow.base) : UnsafeRawPointer(wide.base)
        try decoder.weightGradient(
            indices.embed, dz, width, normed.base, e.hidden, shownRows.count, out, accumulate)
        let product = trunk.stack.activations.product
        try decoder.dataGradient(
            indices.embed, dz, width, into: product, e.hidden, shownRows.count, halfResult: false)
        trunk.stack.normBackward(
            trunk.stack.activations.output, product, indices.encoderNorm, indices.encoderNormBias, mean.base,
            rstd.base, encoder, residual: nil, out, accumulate: accumulate, rows: shownRows.count)
        try trunk.backward(into: out, accumulate: accumulate, images: nil, attention: nil)
    }

    private static var epsilon: Float { 1e-5 }

    private func place(_ visible: [Int32], count: Int) {
        let tokens = network.model.encoder.tokens
        var isShown = [Bool](repeating: false, count: count * tokens)
        for (i, token) in visible.enumerated() { isShown[i / trunk.tokens * tokens + Int(token)] = true }
        shownRows = isShown.indices.filter { isShown[$0] }
        hiddenRows = isShown.indices.filter { !isShown[$0] }
        precondition(shownRows.count == visible.count, "a token is shown twice")
    }

    /// What the decoder's first block takes: shown tokens from `wide`, mask tokens, position embeddings.
    private func fillTokens(count: Int) {
        let tokens = network.model.encoder.tokens
        let width = decoder.shape.hidden
        let positions = network.parameters.vector(indices.positions)
        let bias = network.parameters.vector(indices.embedBias)
        let mask = network.parameters.vector(indices.maskToken)
        for row in hiddenRows {
            let position = positions + row % tokens * width
            for j in 0..<width { decoder.input[row * width + j] = mask[j] + position[j] }
        }
        for (i, row) in shownRows.enumerated() {
            let position = positions + row % tokens * width
            for j in 0..<width { decoder.input[row * width + j] = wide.base[i * width + j] + bias[j] + position[j] }
        }
    }

    /// Gradients of the mask token and the decoder's position embeddings.
    private func tokenGradients(_ g: ActivationGradients, into out: Gradients, accumulate: Bool) {
        let tokens = network.model.encoder.tokens
        let width = decoder.shape.hidden
        if let mask = out.pointer(indices.maskToken) {
            if !accumulate { mask.update(repeating: 0, count: width) }
            for row in hiddenRows { for j in 0..<width { mask[j] += g.sum[row * width + j] } }
        }
        if let positions = out.pointer(indices.positions) {
            let values = tokens * width
            if !accumulate { positions.update(repeating: 0, count: values) }
            for i in 0..<trunk.current { ck_axpy(device.team, 1, g.sum + i * values, positions, values) }
        }
    }

    private func gather(_ rows: [Int], of all: UnsafePointer<Float>, into some: UnsafeMutablePointer<Float>) {
        let width = decoder.shape.hidden
        for (i, row) in rows.enumerated() { (some + i * width).update(from: all + row * width, count: width) }
    }

    private struct Indices {
        let encoderNorm, encoderNormBias, embed, embedBias, maskToken, positions, norm, normBias, predict,
            predictBias: Int

        init(_ layout: ParameterLayout) {
            func index(_ name: String) -> Int { layout.position(ParameterLayout.maskDecoder + name) }
            encoderNorm = layout.position("norm.weight")
            encoderNormBias = layout.position("norm.bias")
            embed = index("embed.weight")
            embedBias = index("embed.bias")
            maskToken = index("mask_token")
            positions = index("position_embeddings")
            norm = index("norm.weight")
            normBias = index("norm.bias")
            predict = index("predict.weight")
            predictBias = index("predict.bias")
        }
    }
}
