import Compute
package import Encoder

/// Steps of training: passes accumulate gradients, then one clipped update.
///
/// Belongs to one thread, as its network does.
package final class Trainer {
    package let network: Network
    package let store: ParameterStore
    package let gradients: Gradients
    package let optimizer: Optimizer
    /// Whether nothing but the head is trained, so that a case's features never change.
    package let trainsHeadOnly: Bool
    package let goal: Goal
    /// In pretraining, of the last pass.
    package private(set) var parts: RestorationLoss.Value?
    /// In masked pretraining, what ``network`` is the encoder of.
    private let masked: MaskedAutoencoder?
    /// Of the network's outputs, in pretraining; and what they should be, where that is put together.
    private var outputGradient: Buffer<Float>?
    private var targets: Buffer<Float>?
    /// Longest gradient taken as it is.
    package var clip: Double?

    /// - Parameters:
    ///   - batch: most cases of a pass.
    ///   - trains: whether a parameter is trained; those the goal does not reach never are.
    package init(
        _ model: ModelConfiguration, store: ParameterStore, batch: Int, optimizer recipe: OptimizerRecipe,
        goal: Goal, clip: Double?, trains: (Parameter) -> Bool = { _ in true }
    ) throws(EncoderError) {
        self.store = store
        self.goal = goal
        self.clip = clip
        let trainable = Trainable(store.layout) { goal.reaches($0.name) && trains($0) }
        trainsHeadOnly = store.layout.parameters.enumerated().allSatisfy { index, parameter in
            trainable.offset(of: index) == nil || ParameterLayout.isHead(parameter.name)
        }
        // A frozen encoder keeps nothing for gradients that nobody asks for.
        if case .masked = goal {
            let masked = try MaskedAutoencoder(
                model, parameters: store, batch: batch, training: true, shown: TokenMask(model.encoder).shown)
            self.masked = masked
            network = masked.network
        } else {
            masked = nil
            network = try Network(model, parameters: store, batch: batch * goal.views, training: !trainsHeadOnly)
        }
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
        case .views, .masked: throw EncoderError(.input, "pretraining has no classes")
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
        guard case .classification(let loss) = goal else { throw EncoderError(.input, "pretraining has no classes") }
        let value = loss.evaluate(try logits(batch), labels: labels, normaliser: normaliser)
        guard value.loss.isFinite else { return value.loss }
        try network.backward(logitGradient: value.gradient, into: gradients, accumulate: !first)
        return value.loss
    }

    /// Adds a pass of views to the gradients of the step.
    ///
    /// - Parameters:
    ///   - share: of the step's cases that are in this pass.
    ///   - first: whether it is the step's first pass.
    /// - Returns: the pass's own loss, of which the step's is the mean over its cases.
    package func accumulate(
        views: [Float], of target: [Float], _ samples: [Sample], share: Double, first: Bool
    ) throws(EncoderError) -> RestorationLoss.Value {
        let shown = samples.map(\.shown)
        let output = try network.reconstruct(views, count: 2 * samples.count, present: shown + shown)
        guard let outputs = output.baseAddress else { throw EncoderError(.input, "a pass without cases") }
        let room = try Self.room(&outputGradient, count: output.count)
        let value = try RestorationLoss().evaluate(
            outputs, target: target, cases: samples.count, values: output.count / (2 * samples.count), present: shown,
            share: share, gradient: room.base, device: store.device)
        parts = value
        guard value.total.isFinite else { return value }
        try network.backward(reconstructionGradient: room.base, into: gradients, accumulate: !first)
        return value
    }

    /// Adds a pass of masked cases to the gradients of the step.
    ///
    /// - Parameters:
    ///   - visible: the tokens shown of each case.
    ///   - share: of the step's cases that are in this pass.
    ///   - first: whether it is the step's first pass.
    /// - Returns: the pass's own loss, of which the step's is the mean over its cases.
    package func accumulate(
        masked images: [Float], visible: [Int32], _ samples: [Sample], share: Double, first: Bool
    ) throws(EncoderError) -> Double {
        guard let masked else { throw EncoderError(.input, "this training hides no tokens") }
        let shown = samples.map(\.shown)
        let output = try masked.predict(images, visible: visible, count: samples.count, present: shown)
        guard let outputs = output.baseAddress else { throw EncoderError(.input, "a pass without cases") }
        let room = try Self.room(&outputGradient, count: output.count)
        let targets = try Self.room(&targets, count: output.count)
        masked.targets(images, into: targets.base)
        let loss = MaskedLoss.evaluate(
            outputs, targets: targets.base, rows: masked.hidden, values: network.model.encoder.patchValues,
            present: shown,
            share: share, gradient: room.base)
        guard loss.isFinite else { return loss }
        try masked.backward(room.base, into: gradients, accumulate: !first)
        return loss
    }

    /// Memory kept from one pass to the next.
    private static func room(_ kept: inout Buffer<Float>?, count: Int) throws(EncoderError) -> Buffer<Float> {
        if let kept, kept.count >= count { return kept }
        do throws(ComputeError) {
            let made = try Buffer<Float>(count: count)
            kept = made
            return made
        } catch { throw EncoderError(error) }
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
