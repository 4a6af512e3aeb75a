import Foundation
import Imaging

/// What stands in a token's place when it is taken away: for each brain voxel of it the Gaussian mean of the brain around,
/// the token itself left out. Zeros would be a hole no scan has.
package struct TokenFill: Sendable {
    /// (channels, size³), each voxel as the absence of its own token leaves it.
    package let voxels: [Float]
    /// Tokens with any brain in them, in order: the others are the same with and without.
    package let occupied: [Int]
    private let size: Int
    private let patch: Int
    private let present: [Int]

    /// - Parameters:
    ///   - case: (channels, size³), absent contrasts zero.
    ///   - present: which contrasts the case has.
    ///   - size: voxels along an axis.
    ///   - patch: voxels of a token along an axis, a divisor of `size`; the Gaussian's deviation is half of it.
    package init(of case: [Float], present: [Bool], size: Int, patch: Int) {
        let count = size * size * size
        self.size = size
        self.patch = patch
        self.present = present.indices.filter { present[$0] }
        let original = `case`
        let brain: [Float] = BrainVoxels.find(in: original, contrasts: present.count).map { $0 ? 1 : 0 }
        let kernel = Self.gaussian(deviation: Double(patch) / 2, radius: patch)
        let weights = Self.smoothed(brain, edge: size, kernel)
        let grid = size / patch
        let blocks = (0..<grid * grid * grid).map { token in
            Self.block(of: token, grid: grid, patch: patch, size: size)
        }
        let own = blocks.map { block in Self.smoothed(block.map { brain[$0] }, edge: patch, kernel) }
        occupied = blocks.indices.filter { token in blocks[token].contains { brain[$0] > 0 } }
        var filled = original
        for channel in self.present {
            let values = Array(original[channel * count..<(channel + 1) * count])
            let sums = Self.smoothed(values, edge: size, kernel)
            let mean = values.reduce(0, +) / max(brain.reduce(0, +), 1)
            for token in occupied {
                let block = blocks[token]
                let part = Self.smoothed(block.map { values[$0] }, edge: patch, kernel)
                for (j, i) in block.enumerated() where brain[i] > 0 {
                    let weight = weights[i] - own[token][j]
                    // A token with no brain near it takes the brain's mean.
                    filled[channel * count + i] = weight > 1e-3 ? max((sums[i] - part[j]) / weight, 0) : mean
                }
            }
        }
        voxels = filled
    }

    /// Puts tokens of one volume into another, which begins at `start`.
    package func move(
        _ tokens: some Sequence<Int>, from source: [Float], into target: inout [Float], at start: Int = 0
    ) {
        let count = size * size * size
        let grid = size / patch
        for token in tokens {
            let (a, b, c) = SaliencyMap.cell(token, edge: grid)
            for channel in present {
                for x in a * patch..<(a + 1) * patch {
                    for y in b * patch..<(b + 1) * patch {
                        let row = channel * count + (x * size + y) * size + c * patch
                        for i in row..<row + patch { target[start + i] = source[i] }
                    }
                }
            }
        }
    }

    private static func block(of token: Int, grid: Int, patch: Int, size: Int) -> [Int] {
        let (a, b, c) = SaliencyMap.cell(token, edge: grid)
        var block: [Int] = []
        block.reserveCapacity(patch * patch * patch)
        for x in a * patch..<(a + 1) * patch {
            for y in b * patch..<(b + 1) * patch {
                let row = (x * size + y) * size + c * patch
                block.append(contentsOf: row..<row + patch)
            }
        }
        return block
    }

    private static func gaussian(deviation: Double, radius: Int) -> [Float] {
        (0...radius).map { Float(exp(-0.5 * Double($0 * $0) / (deviation * deviation))) }
    }

    /// A cube convolved with a kernel along each axis; outside the cube is 0.
    /// - Parameter kernel: the weight at a distance of 0, 1, ….
    static func smoothed(_ cube: [Float], edge: Int, _ kernel: [Float]) -> [Float] {
        var values = cube
        var result = [Float](repeating: 0, count: cube.count)
        for stride in [edge * edge, edge, 1] {
            values.withUnsafeBufferPointer { values in
                result.withUnsafeMutableBufferPointer { result in
                    for i in result.indices { result[i] = values[i] * kernel[0] }
                    for distance in 1..<max(min(kernel.count, edge), 1) {
                        let (weight, shift) = (kernel[distance], distance * stride)
                        // Lines run within groups of edge × stride values.
                        var group = 0
                        while group < values.count {
                            for i in group..<group + edge * stride - shift {
                                result[i] += weight * values[i + shift]
                                result[i + shift] += weight * values[i]
                            }
                            group += edge * stride
                        }
                    }
                }
            }
            swap(&values, &result)
        }
        return values
    }
}
