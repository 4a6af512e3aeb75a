import CKernels
import Compute

/// What the blocks of the last forward pass saw: kept by a network made for training.
extension Network {
    /// The output of a block, (count × tokens, hidden): MONAI's `hidden_states_out`, before the final norm.
    package func hiddenStateOfLastPass(_ block: Int) -> [Float] {
        precondition(training, "a network made for inference keeps no hidden states")
        return Array(
            UnsafeBufferPointer(start: output(of: block), count: current * model.encoder.tokens * model.encoder.hidden))
    }

    /// Attention probabilities of every block, (count, heads, tokens, tokens).
    package func attentionOfLastPass() -> [[Float]] {
        precondition(training, "a network made for inference keeps no attention")
        let e = model.encoder
        let count = current * e.heads * e.tokens * e.tokens
        return activations.blocks.map { block in
            guard device.precision.half else {
                let values = block.probabilities.assumingMemoryBound(to: Float.self)
                return Array(UnsafeBufferPointer(start: values, count: count))
            }
            var wide = [Float](repeating: 0, count: count)
            ck_from_half(device.team, block.probabilities.assumingMemoryBound(to: UInt16.self), &wide, count)
            return wide
        }
    }
}
