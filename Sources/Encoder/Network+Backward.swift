import Compute

extension Network {
    /// Gradients of a classification.
    ///
    /// - Parameters:
    ///   - logitGradient: (count, classes), of the last ``classify(_:count:present:)``.
    ///   - gradients: what is trained; blocks below the lowest trained parameter are not visited.
    ///   - accumulate: add to the gradients instead of replacing them.
    ///   - images: receives the gradient of the images (count, channels, size³) when not nil.
    ///   - attention: sees the gradient of each block's attention probabilities, (count, heads, tokens, tokens)
    ///     fp32.
    package func backward(
        logitGradient: [Float], into gradients: Gradients, accumulate: Bool = false,
        images: UnsafeMutablePointer<Float>? = nil,
        attention: ((_ block: Int, _ gradient: UnsafePointer<Float>) -> Void)? = nil
    ) throws(EncoderError) {
        let lowest = lowestVisited(gradients.trainable, everything: images != nil || attention != nil)
        // The head alone needs nothing of the encoder's pass, so that a network made for inference will do.
        let g = lowest == nil ? nil : try requireGradients()
        try headBackward(logitGradient, into: gradients, accumulate: accumulate, sum: g?.sum)
        guard let lowest, let g else { return }
        try descend(to: lowest, g, into: gradients, accumulate: accumulate, images: images, attention: attention)
    }

    /// Gradients of a reconstruction.
    ///
    /// - Parameter reconstructionGradient: (count, out channels, size³), of the last
    ///   ``reconstruct(_:count:present:)``.
    package func backward(
        reconstructionGradient: UnsafePointer<Float>, into gradients: Gradients, accumulate: Bool = false,
        images: UnsafeMutablePointer<Float>? = nil
    ) throws(EncoderError) {
        let g = try requireGradients()
        try decoderBackward(reconstructionGradient, g, into: gradients, accumulate: accumulate)
        guard let lowest = lowestVisited(gradients.trainable, everything: images != nil) else { return }
        try descend(to: lowest, g, into: gradients, accumulate: accumulate, images: images, attention: nil)
    }

    private func requireGradients() throws(EncoderError) -> ActivationGradients {
        guard let gradients else {
            throw EncoderError(.input, "this network was made for inference and keeps nothing for gradients")
        }
        return gradients
    }

    /// The lowest block with something to train at or below it: -1 the embedding, nil nothing below the head.
    private func lowestVisited(_ trainable: Trainable, everything: Bool) -> Int? {
        if everything || embedding.all.contains(where: { trainable.offset(of: $0) != nil }) { return -1 }
        return blocks.firstIndex { $0.all.contains { trainable.offset(of: $0) != nil } }
    }

    private func descend(
        to lowest: Int, _ g: ActivationGradients, into out: Gradients, accumulate: Bool,
        images: UnsafeMutablePointer<Float>?,
        attention: ((_ block: Int, _ gradient: UnsafePointer<Float>) -> Void)?
    ) throws(EncoderError) {
        let e = model.encoder
        var probabilities: Buffer<Float>?
        if attention != nil {
            try run { () throws(ComputeError) in
                probabilities = try Buffer(count: current * e.heads * e.tokens * e.tokens)
            }
        }
        for i in blocks.indices.reversed() where i >= lowest {
            try backward(
                block: i, g, into: out, accumulate: accumulate, probabilityGradient: probabilities?.base)
            if let probabilities { attention?(i, probabilities.base) }
        }
        guard lowest < 0 else { return }
        try embedBackward(g, into: out, accumulate: accumulate)
        if let images { try imageGradient(g, into: images) }
    }
}
