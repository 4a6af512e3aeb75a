/// What attention of one case says of each token, from probabilities A (heads, tokens, tokens) and the gradients G of a
/// score by them.
package struct AttentionRelevance: Sendable {
    /// What each token's last state counts for, (tokens): R is carried as the row w·R.
    package private(set) var tokens: [Float]
    private let heads: Int

    /// - Parameter weights: of the tokens in the head; the relevance begins with them.
    package init(weights: [Float], heads: Int) {
        tokens = weights
        self.heads = heads
    }

    /// Takes in a block, from the last to the first: w ← w + w·Ā, Ā = mean over heads of max(0, G ⊙ A).
    package mutating func carry(_ probabilities: UnsafePointer<Float>, _ gradients: UnsafePointer<Float>) {
        let count = tokens.count
        var added = [Float](repeating: 0, count: count)
        for head in 0..<heads {
            for row in 0..<count where tokens[row] != 0 {
                let start = (head * count + row) * count
                let weight = tokens[row] / Float(heads)
                for column in 0..<count {
                    let value = gradients[start + column] * probabilities[start + column]
                    if value > 0 { added[column] += weight * value }
                }
            }
        }
        for i in 0..<count { tokens[i] += added[i] }
    }

    /// Grad-CAM on one block's attention: max(0, mean over heads of ḡ · w·A), ḡ the mean of a head's G.
    package static func gradcam(
        _ probabilities: UnsafePointer<Float>, _ gradients: UnsafePointer<Float>, weights: [Float], heads: Int
    ) -> [Float] {
        let count = weights.count
        var map = [Float](repeating: 0, count: count)
        for head in 0..<heads {
            let start = head * count * count
            var mean: Float = 0
            for i in start..<start + count * count { mean += gradients[i] }
            mean /= Float(count * count * heads)
            for row in 0..<count where weights[row] != 0 {
                for column in 0..<count {
                    map[column] += mean * weights[row] * probabilities[start + row * count + column]
                }
            }
        }
        return map.map { max($0, 0) }
    }
}
