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
        let padded = current * e.heads * e.tokens * activations.stride
        return activations.blocks.map { block in
            if device.precision.half {
                var wide = [Float](repeating: 0, count: padded)
                ck_from_half(device.team, block.probabilities.assumingMemoryBound(to: UInt16.self), &wide, padded)
                return withoutPadding(wide, count: current, stride: activations.stride)
            }
            return withoutPadding(
                block.probabilities.assumingMemoryBound(to: Float.self), count: current, stride: activations.stride)
        }
    }

    /// Rows of attention without the padding between them: (count, heads, tokens, tokens).
    package func withoutPadding(_ rows: UnsafePointer<Float>, count: Int, stride: Int) -> [Float] {
        let tokens = model.encoder.tokens
        return (0..<count * model.encoder.heads * tokens).flatMap { row in
            UnsafeBufferPointer(start: rows + row * stride, count: tokens)
        }
    }
}
