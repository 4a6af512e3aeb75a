import CKernels
import Compute

/// What the blocks of the last forward pass saw: kept by a network made for training.
extension Network {
    /// The output of a block, (count × tokens, hidden): MONAI's `hidden_states_out`, before the final norm.
    package func hiddenStateOfLastPass(_ block: Int) -> [Float] {
        guard training, let stack = (trunk as? TransformerTrunk)?.stack else {
            preconditionFailure("a network made for inference keeps no hidden states")
        }
        return Array(
            UnsafeBufferPointer(
                start: stack.output(of: block), count: current * model.encoder.tokens * model.encoder.hidden))
    }

    /// Attention probabilities of every block, (count, heads, tokens, tokens).
    package func attentionOfLastPass() -> [[Float]] {
        guard training, let stack = (trunk as? TransformerTrunk)?.stack else {
            preconditionFailure("a network made for inference keeps no attention")
        }
        let e = model.encoder
        let count = current * e.heads * e.tokens * e.tokens
        return stack.activations.blocks.map { block in
            guard device.precision.half else {
                let values = block.probabilities.assumingMemoryBound(to: Float.self)
                return Array(UnsafeBufferPointer(start: values, count: count))
            }
            var wide = [Float](repeating: 0, count: count)
            ck_from_half(device.team, block.probabilities.assumingMemoryBound(to: UInt16.self), &wide, count)
            return wide
        }
    }

    /// The gradient of the last block's tokens from that of the logits, (count, tokens, hidden), of the last
    /// ``classify(_:count:present:)`` of a network made for training.
    package func tokenGradient(logitGradient: [Float]) throws(EncoderError) -> [Float] {
        let sum = try trunk.outputGradient()
        let none = try Gradients(Trainable(parameters.layout) { _ in false })
        try headBackward(logitGradient, into: none, accumulate: false, sum: sum)
        return Array(
            UnsafeBufferPointer(start: sum, count: current * model.encoder.tokens * model.encoder.hidden))
    }
}
