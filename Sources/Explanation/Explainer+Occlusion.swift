package import Training
package import Encoder

extension Explainer {
    /// The change of a class's log-odds when each token in turn is replaced; 0 for tokens without brain.
    package func occlusion(_ input: EncoderInput, class chosen: Int, fill: TokenFill) throws(EncoderError)
        -> SaliencyMap
    {
        let tokens = fill.occupied
        let replaced = [[]] + tokens.indices.map { tokens[$0...$0] }
        let without = try scores(input, class: chosen, fill: fill, replaced: replaced)
        var values = [Float](repeating: 0, count: grid * grid * grid)
        for (i, token) in tokens.enumerated() { values[token] = without[0] - without[i + 1] }
        return SaliencyMap(edge: grid, values: values)
    }
}
