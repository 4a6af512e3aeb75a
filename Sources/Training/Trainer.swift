import Compute
package import Encoder

/// Steps of classification: passes accumulate gradients, then one clipped update.
///
/// Belongs to one thread, as its network does.
package final class Trainer {
    package let network: Network
    package let store: ParameterStore
    package let gradients: Gradients
    package let optimizer: Optimizer
    /// Whether nothing but the head is trained, so that a case's features never change.
    package let trainsHeadOnly: Bool
    /// The loss, with its class weights.
    package var loss: CrossEntropy
    /// Longest gradient taken as it is.
    package var clip: Double?

    /// - Parameters:
    ///   - batch: most cases of a pass.
    ///   - trains: whether a parameter is trained; those only the decoder uses never are.
    package init(
        _ model: ModelConfiguration, store: ParameterStore, batch: Int, optimizer recipe: OptimizerRecipe,
        loss: CrossEntropy, clip: Double?, trains: (Parameter) -> Bool = { _ in true }
    ) throws(EncoderError) {
        self.store = store
        self.loss = loss
        self.clip = clip
        let trainable = Trainable(store.layout) { !Trainable.decoderOnly($0.name) && trains($0) }
        trainsHeadOnly = store.layout.parameters.enumerated().allSatisfy { index, parameter in
            trainable.offset(of: index) == nil || ParameterLayout.isHead(parameter.name)
        }
        // A frozen encoder keeps nothing for gradients that nobody asks for.
        network = try Network(model, parameters: store, batch: batch, training: !trainsHeadOnly)
        gradients = try Gradients(trainable)
        optimizer = try Optimizer(recipe, trainable: trainable)
    }

    /// Class scores of a pass, (count, classes).
    package func logits(_ batch: MicroBatch) throws(EncoderError) -> [Float] {
        switch batch.content {
        case .images(let images):
            try network.classify(images, count: batch.samples.count, present: batch.samples.map(\.shown))
        case .features(let features):
            try network.classify(features: features, count: batch.samples.count)
        }
    }

    /// Adds a pass to the gradients of the step.
    ///
    /// - Parameters:
    ///   - labels: the class of each case of the pass.
    ///   - normaliser: Σ of the class weights of the whole step's cases.
    ///   - first: whether it is the step's first pass.
    /// - Returns: the pass's part of the step's loss.
    package func accumulate(_ batch: MicroBatch, labels: [Int], normaliser: Double, first: Bool)
        throws(EncoderError) -> Double
    {
        let value = loss.evaluate(try logits(batch), labels: labels, normaliser: normaliser)
        guard value.loss.isFinite else { return value.loss }
        try network.backward(logitGradient: value.gradient, into: gradients, accumulate: !first)
        return value.loss
    }

    /// Ends a step: the parameters follow the gradients unless one of these is not finite.
    /// - Returns: the gradients' norm before clipping.
    package func update(rate: Float) -> Double {
        let norm = gradients.norm(store.device)
        guard norm.isFinite else { return norm }
        var scale: Float = 1
        // As torch.nn.utils.clip_grad_norm_.
        if let clip, norm > clip { scale = Float(clip / (norm + 1e-6)) }
        optimizer.update(store, gradients: gradients, rate: rate, scale: scale)
        return norm
    }
}
