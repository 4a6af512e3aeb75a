import Foundation
package import Imaging

/// Sixteen numbers of a prepared case that say how it was taken and what brain it is of, whatever disease it shows.
package struct ImageStatistics: Sendable {
    /// What the numbers are called, in order; fewer are used where cases are few.
    package static let names: [String] =
        ["brain volume", "symmetry of the brain", "enhancement of T1c over T1w", "grain of T2w", "grain of T1w"]
        + Contrast.allCases.map { "brightness of \($0.rawValue)" } + Contrast.allCases.map { "noise of \($0.rawValue)" }
        + pairs.map { "likeness of \($0.0.rawValue) and \($0.1.rawValue)" }

    private static let pairs: [(Contrast, Contrast)] = [(.t1w, .t2w), (.t1w, .flair), (.t2w, .flair)]

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
        let triples = VoxelTriples(brain, size: size)
        var means: [Double?] = [nil, nil, nil, nil]
        var textures: [Texture?] = [nil, nil, nil, nil]
        var own: [[Float]] = [[], [], [], []]
        for channel in channels {
            own[channel] = brain.map { volume.voxels[channel * count + $0] }
            means[channel] = own[channel].reduce(0.0) { $0 + Double($1) } / Double(brain.count)
            textures[channel] = Texture(own[channel], triples)
        }
        let centred = zip(own, means).map { values, mean in values.map { $0 - Float(mean ?? 0) } }
        let (t1w, t1c, t2w) = (Contrast.t1w.channel, Contrast.t1c.channel, Contrast.t2w.channel)
        values =
            [
                log(millilitres), -log(1 - overlap + 1e-3), Self.enhancement(own[t1c], over: own[t1w], triples),
                textures[t2w]?.grain, textures[t1w]?.grain,
            ] + means + textures.map { $0?.noise }
            + Self.pairs.map { Self.likeness(centred[$0.0.channel], centred[$0.1.channel]) }
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
