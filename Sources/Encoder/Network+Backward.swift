extension Network {
    /// Gradients of a classification.
    ///
    /// - Parameters:
    ///   - logitGradient: (count, classes), of the last ``classify(_:count:present:)``.
    ///   - gradients: what is trained; what lies below the lowest trained parameter is not visited.
    ///   - accumulate: add to the gradients instead of replacing them.
    ///   - images: receives the gradient of the images (count, channels, size³) when not nil.
    ///   - attention: sees the gradient of each block's attention probabilities, (count, heads, tokens, tokens)
    ///     fp32.
    package func backward(
        logitGradient: [Float], into gradients: Gradients, accumulate: Bool = false,
        images: UnsafeMutablePointer<Float>? = nil,
        attention: ((_ block: Int, _ gradient: UnsafePointer<Float>) -> Void)? = nil
    ) throws(EncoderError) {
        // The head alone needs nothing of the encoder's pass, so that a network made for inference will do.
        guard images != nil || attention != nil || trunk.isTrained(gradients.trainable) else {
            return try headBackward(logitGradient, into: gradients, accumulate: accumulate, sum: nil)
        }
        try headBackward(logitGradient, into: gradients, accumulate: accumulate, sum: try trunk.outputGradient())
        try trunk.backward(into: gradients, accumulate: accumulate, images: images, attention: attention)
    }

    /// Gradients of a reconstruction.
    ///
    /// - Parameter reconstructionGradient: (count, out channels, size³), of the last
    ///   ``reconstruct(_:count:present:)``.
    package func backward(
        reconstructionGradient: UnsafePointer<Float>, into gradients: Gradients, accumulate: Bool = false,
        images: UnsafeMutablePointer<Float>? = nil
    ) throws(EncoderError) {
        try decoderBackward(reconstructionGradient, into: gradients, accumulate: accumulate)
        try trunk.backward(into: gradients, accumulate: accumulate, images: images, attention: nil)
    }
}
