package import Encoder
import Training

extension Explainer {
    /// Relevance or Grad-CAM of a class, one value a token.
    func attention(_ input: EncoderInput, class chosen: Int, by method: SaliencyMethod) throws(EncoderError)
        -> SaliencyMap
    {
        let logits = try logits(input)
        let values = try attention(logitGradient: Self.scoreGradient(logits, class: chosen), by: method)
        return SaliencyMap(edge: grid, values: values)
    }

    /// The same for any mixture of logits, of the case last run.
    package func attention(logitGradient: [Float], by method: SaliencyMethod) throws(EncoderError) -> [Float] {
        let weights = try tokenWeights(logitGradient: logitGradient)
        let (heads, last) = (model.encoder.heads, model.encoder.layers - 1)
        let probabilities = network.attentionOfLastPass()
        var relevance = AttentionRelevance(weights: weights, heads: heads)
        var gradcam: [Float] = []
        try network.backward(logitGradient: logitGradient, into: gradients) { block, gradient in
            if method == .relevance {
                relevance.carry(probabilities[block], gradient)
            } else if block == last {
                gradcam = AttentionRelevance.gradcam(probabilities[block], gradient, weights: weights, heads: heads)
            }
        }
        return method == .relevance ? relevance.tokens : gradcam
    }

    /// How much each token's last state counts: equally for the head that averages, for the others by the length
    /// (sum of absolute values) of the score's gradient; they add up to 1.
    private func tokenWeights(logitGradient: [Float]) throws(EncoderError) -> [Float] {
        let tokens = model.encoder.tokens
        if case .mean = model.head { return [Float](repeating: 1 / Float(tokens), count: tokens) }
        let gradient = try network.tokenGradient(logitGradient: logitGradient)
        let width = model.encoder.hidden
        let lengths = (0..<tokens).map { t in
            gradient[t * width..<(t + 1) * width].reduce(Float(0)) { $0 + abs($1) }
        }
        let total = lengths.reduce(0, +)
        return total > 0 ? lengths.map { $0 / total } : [Float](repeating: 1 / Float(tokens), count: tokens)
    }
}
