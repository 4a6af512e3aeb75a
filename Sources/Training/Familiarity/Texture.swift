import Foundation

/// How intensities of one contrast change from voxel to voxel along the axes, within the brain.
struct Texture {
    /// Logarithm of the fifth part of absolute second differences: most of what is that smooth is not anatomy.
    let noise: Double
    /// The same against the median of absolute first differences, which blur lowers as much.
    let grain: Double

    /// - Parameter values: of the brain's voxels.
    init(_ values: [Float], _ triples: VoxelTriples) {
        var (bends, slopes) = (StepCounts(), StepCounts())
        for (before, at, after) in triples.places {
            slopes.add(abs(values[after] - values[at]))
            bends.add(abs(2 * values[at] - values[before] - values[after]))
        }
        noise = log(bends.quantile(0.2))
        grain = noise - log(slopes.quantile(0.5))
    }

    /// Counts by size, in steps of 2⁻¹⁵ up to 2: prepared intensities are 0…1.
    private struct StepCounts {
        private var counts = [Int](repeating: 0, count: 1 << 16)
        private var number = 0

        mutating func add(_ step: Float) {
            counts[step < 2 ? Int(step * 32768) : counts.count - 1] += 1
            number += 1
        }

        func quantile(_ part: Double) -> Double {
            var below = 0
            let step = counts.firstIndex { count in
                below += count
                return Double(below) > Double(number) * part
            }
            return (Double(step ?? 0) + 0.5) / 32768
        }
    }
}
