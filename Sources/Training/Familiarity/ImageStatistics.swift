import Foundation
package import Imaging

/// Sixteen numbers of a prepared case that say how it was taken and what brain it is of, whatever disease it shows.
package struct ImageStatistics: Sendable {
    /// What the numbers are called, in order; fewer are used where cases are few.
    package static let names: [String] =
        ["brain volume", "symmetry of the brain"] + Contrast.allCases.map { "brightness of \($0.rawValue)" }
        + Contrast.allCases.map { "noise of \($0.rawValue)" }
        + pairs.map { "likeness of \($0.0.rawValue) and \($0.1.rawValue)" }
        + skewed.map { "skewness of \($0.rawValue)" }

    /// Vessels and what takes up contrast agent are bright: T1c is the more skewed of the two.
    private static let skewed: [Contrast] = [.t1w, .t1c]
    private static let pairs: [(Contrast, Contrast)] = [(.t1w, .t2w), (.t1w, .flair), (.t2w, .flair), (.t1w, .t1c)]

    /// One a name; nil where the case does not have the contrasts.
    package let values: [Double?]

    package init(_ volume: PreparedVolume) {
        let size = volume.size
        let count = size * size * size
        let channels = volume.present.indices.filter { volume.present[$0] }
        let isBrain = BrainVoxels.find(in: volume.voxels)
        let brain = isBrain.indices.filter { isBrain[$0] }
        guard brain.count > 1 else {
            values = Self.names.map { _ in .nan }
            return
        }
        let millilitres = Double(brain.count) * volume.geometry.spacing.reduce(1, *) / 1000
        let extent = Self.extent(brain, size: size)
        let mirrored = brain.count { isBrain[Self.mirrored($0, size: size, extent: extent)] }
        let overlap = Double(mirrored) / Double(brain.count)
        var means: [Double?] = [nil, nil, nil, nil]
        var (noise, skewness) = (means, means)
        var centred: [[Float]] = [[], [], [], []]
        for channel in channels {
            let values = brain.map { volume.voxels[channel * count + $0] }
            let mean = values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
            let spread = (values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(values.count))
                .squareRoot()
            means[channel] = mean
            centred[channel] = values.map { $0 - Float(mean) }
            skewness[channel] =
                values.reduce(0.0) { $0 + pow((Double($1) - mean) / (spread + 1e-6), 3) } / Double(values.count)
            noise[channel] = Self.noise(volume.voxels, channel * count, isBrain, brain, size: size)
        }
        values =
            [log(millilitres), -log(1 - overlap + 1e-3)] + means + noise
            + Self.pairs.map { Self.likeness(centred[$0.0.channel], centred[$0.1.channel]) }
            + Self.skewed.map { skewness[$0.channel] }
    }

    /// What the brain takes up along the first axis.
    private static func extent(_ brain: [Int], size: Int) -> Range<Int> {
        let places = brain.map { $0 / (size * size) }
        return (places.min() ?? 0)..<(places.max() ?? 0) + 1
    }

    /// The voxel on the other side of the middle of the brain's first axis.
    private static func mirrored(_ voxel: Int, size: Int, extent: Range<Int>) -> Int {
        let x = voxel / (size * size)
        return voxel + (extent.lowerBound + extent.upperBound - 1 - 2 * x) * size * size
    }

    /// Logarithm of the fifth part of absolute second differences along the axes, within the brain: most of what is that
    /// smooth is not anatomy.
    private static func noise(_ voxels: [Float], _ start: Int, _ isBrain: [Bool], _ brain: [Int], size: Int) -> Double {
        // Of steps of 2⁻¹⁵, up to 2: prepared intensities are 0…1.
        var counts = [Int](repeating: 0, count: 1 << 16)
        var number = 0
        for i in brain {
            for (stride, at) in [(size * size, i / (size * size)), (size, i / size % size), (1, i % size)]
            where at > 0 && at < size - 1 && isBrain[i - stride] && isBrain[i + stride] {
                let bend = abs(2 * voxels[start + i] - voxels[start + i - stride] - voxels[start + i + stride])
                counts[bend < 2 ? Int(bend * 32768) : counts.count - 1] += 1
                number += 1
            }
        }
        var below = 0
        let step = counts.firstIndex { count in
            below += count
            return below > number / 5
        }
        return log((Double(step ?? 0) + 0.5) / 32768)
    }

    /// Fisher's transform of the correlation of two contrasts over the brain.
    private static func likeness(_ one: [Float], _ other: [Float]) -> Double? {
        guard !one.isEmpty, !other.isEmpty else { return nil }
        var (ab, aa, bb) = (0.0, 0.0, 0.0)
        for (a, b) in zip(one, other) {
            ab += Double(a) * Double(b)
            aa += Double(a) * Double(a)
            bb += Double(b) * Double(b)
        }
        guard aa > 0, bb > 0 else { return 0 }
        return atanh(min(max(ab / (aa * bb).squareRoot(), -0.999), 0.999))
    }
}
