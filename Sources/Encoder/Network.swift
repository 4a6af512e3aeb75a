import Compute

/// The encoder with its head, run forward and backward.
///
/// Images are (batch, channels, size, size, size) fp32, last axis fastest; a token is a row, token n = (a·g + b)·g + c for
/// the patch at (a, b, c) of the g³ grid. The formulas are those of LAMIM §3 and §7. A network belongs to one thread.
///
/// ```swift
/// let network = try Network(model, parameters: store, batch: 2, training: true)
/// let logits = try network.classify(images, batch: 2)
/// let loss = CrossEntropy(weights: nil).evaluate(logits, labels: [0, 1])
/// try network.backward(logitGradient: loss.gradient, into: gradients)
/// ```
package final class Network {
    package let model: ModelConfiguration
    package let parameters: any ParameterSource
    /// The most cases of one call.
    package let batch: Int
    /// Whether activations are kept for a backward pass.
    package let training: Bool
    let device: Device
    let trunk: any Trunk
    /// Cases of the last forward pass.
    var current = 0
    /// What the head keeps of the last forward pass.
    var headTape: HeadTape?
    /// What the decoder keeps.
    var decoderTape: DecoderTape?

    /// - Parameters:
    ///   - batch: the most cases of one call; packed parameters take one.
    ///   - training: keep activations, so that `backward` can follow.
    ///   - tokens: tokens of a case that are shown, where not all are; see ``MaskedAutoencoder``.
    /// - Throws: ``EncoderError`` when the shape cannot be built or the memory is not there.
    package init(
        _ model: ModelConfiguration, parameters: any ParameterSource, batch: Int, training: Bool, tokens: Int? = nil
    ) throws(EncoderError) {
        try model.validate()
        self.model = model
        self.parameters = parameters
        self.batch = batch
        self.training = training
        device = parameters.device
        if let stages = model.encoder.residual {
            trunk = try ResidualTrunk(
                model.encoder, ResidualPlan(stages, model.encoder), parameters: parameters, batch: batch,
                training: training)
        } else {
            trunk = try TransformerTrunk(
                model.encoder, parameters: parameters, batch: batch, training: training, tokens: tokens)
        }
    }

    /// Turns images into tokens.
    ///
    /// - Parameters:
    ///   - images: (count, channels, size³); absent contrasts are zero.
    ///   - count: cases, 1…`batch`.
    ///   - present: for each case, which contrasts it has; all when nil.
    func encode(_ images: UnsafePointer<Float>, count: Int, present: [[Bool]]?) throws(EncoderError) {
        precondition((1...batch).contains(count), "a network of batch \(batch) got \(count) cases")
        current = count
        try trunk.forward(images, count: count, present: present)
    }

    /// The trunk of a transformer, which decoders and pictures of attention are for.
    func transformer() throws(EncoderError) -> TransformerTrunk {
        guard let transformer = trunk as? TransformerTrunk else {
            throw EncoderError(.configuration, "a residual network has no tokens to restore or attend to")
        }
        return transformer
    }
}

extension ParameterLayout {
    /// The index of a name that the layout is known to have.
    func position(_ name: String) -> Int {
        guard let index = index(of: name) else { preconditionFailure("the layout has no parameter \(name)") }
        return index
    }
}
