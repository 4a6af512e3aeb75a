import Encoder
import Training

extension Explainer {
    /// The change of a class's log-odds when each token in turn is replaced; 0 for tokens without brain.
    func occlusion(_ input: EncoderInput, class chosen: Int, fill: TokenFill) throws(EncoderError) -> SaliencyMap {
        let tokens = fill.occupied
        let replaced = [[]] + tokens.indices.map { tokens[$0...$0] }
        let without = try scores(input, class: chosen, fill: fill, replaced: replaced)
        var values = [Float](repeating: 0, count: grid * grid * grid)
        for (i, token) in tokens.enumerated() { values[token] = without[0] - without[i + 1] }
        return SaliencyMap(edge: grid, values: values)
    }

    /// ``occlusion(_:class:fill:)`` at a quarter of its price: the tokens of each cube of two along every axis are
    /// replaced together; then, from the cube that speaks most for the class, cubes are asked about token by token, one
    /// at least, while a quarter of all tokens is not exceeded. In other cubes every token has an equal share.
    func coarseToFine(_ input: EncoderInput, class chosen: Int, fill: TokenFill) throws(EncoderError) -> SaliencyMap {
        let half = (grid + 1) / 2
        let byCube = Dictionary(grouping: fill.occupied) { token in
            let (a, b, c) = SaliencyMap.cell(token, edge: grid)
            return ((a / 2) * half + b / 2) * half + c / 2
        }
        let cubes = byCube.keys.sorted().compactMap { byCube[$0] }
        let without = try scores(input, class: chosen, fill: fill, replaced: [[]] + cubes.map { $0[...] })
        let changes = cubes.indices.map { without[0] - without[$0 + 1] }
        var values = [Float](repeating: 0, count: grid * grid * grid)
        for (cube, change) in zip(cubes, changes) {
            for token in cube { values[token] = change / Float(cube.count) }
        }
        let budget = grid * grid * grid / 4 - without.count
        var fine: [Int] = []
        for index in cubes.indices.sorted(by: { changes[$0] > changes[$1] }) {
            guard fine.isEmpty || fine.count + cubes[index].count <= budget else { break }
            fine += cubes[index]
        }
        let refined = try scores(input, class: chosen, fill: fill, replaced: fine.indices.map { fine[$0...$0] })
        for (token, score) in zip(fine, refined) { values[token] = without[0] - score }
        return SaliencyMap(edge: grid, values: values)
    }
}
