import Encoder

/// How content is taken out of a view: cubes of zeros at random places, overlapping as they fall (LAMIM §5).
///
/// The published schemes are for 96³ voxels; at another size the cubes' sides follow it, and their number makes up for
/// the rounding of a side to whole voxels, so that about the same share of the volume is hit: 0.31 of it by `blocks16`,
/// 0.35 by `blocks4`.
package struct ContentDropout: Sendable, Equatable {
    package enum Scheme: String, Codable, Sendable, CaseIterable {
        /// 86 cubes of 16³.
        case blocks16
        /// 6000 cubes of 4³.
        case blocks4
    }

    /// Side of the volume in voxels.
    package let size: Int
    package let holes: Int
    /// Side of a cube in voxels.
    package let side: Int

    /// - Parameter size: side of the volume, 1 or more.
    package init(_ scheme: Scheme, size: Int) {
        self.size = size
        let (published, number) = scheme == .blocks16 ? (16, 86) : (4, 6000)
        side = min(max(1, (published * size + 48) / 96), size)
        let wanted = Double(published * size) / 96
        let rounded = Double(side)
        holes = Int((Double(number) * (wanted * wanted * wanted) / (rounded * rounded * rounded)).rounded())
    }

    /// Takes content out of one contrast: a draw for the chance that it is done at all, which is 1, then three for the
    /// corner of every cube, as MONAI's `RandCoarseDropout` draws them.
    /// - Parameter voxels: size³, last axis fastest.
    package func apply(to voxels: UnsafeMutableBufferPointer<Float>, _ random: inout MersenneTwister) {
        precondition(voxels.count == size * size * size, "\(voxels.count) voxels of a side of \(size)")
        _ = random.unit()
        for _ in 0..<holes {
            let x = random.integer(below: size - side + 1)
            let y = random.integer(below: size - side + 1)
            let z = random.integer(below: size - side + 1)
            for i in x..<x + side {
                for j in y..<y + side {
                    let row = (i * size + j) * size + z
                    voxels[row..<row + side].update(repeating: 0)
                }
            }
        }
    }

    /// A view of a case: each contrast it has with content taken out, drawn by seed, case and view and nothing else.
    /// - Parameters:
    ///   - voxels: (contrasts, size³).
    ///   - name: what the view is of, such as `case 7, epoch 3, view 2`.
    package func view(_ voxels: [Float], shown: [Bool], seed: UInt64, name: String) -> [Float] {
        var view = voxels
        let channel = size * size * size
        view.withUnsafeMutableBufferPointer { view in
            for contrast in shown.indices where shown[contrast] {
                var stream = RandomStream(seed: seed, name: "\(name), contrast \(contrast)")
                var random = MersenneTwister(seed: UInt32(truncatingIfNeeded: stream.next()))
                apply(
                    to: UnsafeMutableBufferPointer(rebasing: view[contrast * channel..<(contrast + 1) * channel]),
                    &random)
            }
        }
        return view
    }
}
