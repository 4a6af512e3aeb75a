package import Encoder

/// Which tokens of a case are shown in masked pretraining: a quarter of them, in all contrasts alike.
package struct TokenMask: Sendable, Equatable {
    private let grid: Int
    private let patch: Int
    /// Tokens shown.
    package let shown: Int

    /// - Parameter encoder: has 2 tokens or more.
    package init(_ encoder: EncoderConfiguration) {
        grid = encoder.grid
        patch = encoder.patchSize
        shown = max(1, (encoder.tokens + 2) / 4)
    }

    /// The tokens shown of a case, in rising order: drawn by seed and name and nothing else.
    /// - Parameter name: what is drawn for, such as `case 7, epoch 3`.
    package func draw(seed: UInt64, name: String) -> [Int32] {
        var stream = RandomStream(seed: seed, name: "\(name), tokens")
        return (0..<Int32(grid * grid * grid)).shuffled(using: &stream).prefix(shown).sorted()
    }

    /// A volume with what is not shown set to 0.
    /// - Parameter voxels: (contrasts, size³), last axis fastest.
    package func view(_ voxels: [Float], shown tokens: [Int32], contrasts: Int) -> [Float] {
        let places = hidden(shown: tokens)
        var view = voxels
        for (i, isHidden) in places.enumerated() where isHidden {
            for contrast in 0..<contrasts { view[contrast * places.count + i] = 0 }
        }
        return view
    }

    /// For each voxel of a contrast whether it is hidden.
    package func hidden(shown tokens: [Int32]) -> [Bool] {
        var isShown = [Bool](repeating: false, count: grid * grid * grid)
        for token in tokens { isShown[Int(token)] = true }
        let size = grid * patch
        var hidden = [Bool](repeating: false, count: size * size * size)
        for i in hidden.indices {
            let (x, y, z) = (i / (size * size) / patch, i / size % size / patch, i % size / patch)
            hidden[i] = !isShown[(x * grid + y) * grid + z]
        }
        return hidden
    }
}
