import Imaging

/// Finds cases that look more like the mirror image of the cohort than like the cohort.
///
/// Every brain is a little crooked the same way. Where a cohort is large enough for its mean to show that, a case that
/// agrees better with the mirrored mean of the others, far outside what is usual, may have left and right swapped.
/// Cohorts whose mean has no side say nothing.
struct CohortSides {
    /// Edge of the cubes kept of each case: small, since all are in memory together.
    static let edge = 16
    /// Cases of one contrast needed.
    static let fewestCases = 20
    /// Standard errors by which the cohort's agreement with its own side must differ from none.
    static let surelyLopsided = 4.0
    /// Standard deviations below the mean that a mirrored case lies.
    static let farOutside = 3.0

    /// Case index and small picture, for each contrast.
    private var pictures: [Contrast: [(index: Int, picture: [Float])]] = [:]

    mutating func add(_ thumbnails: [Contrast: [Float]], index: Int) {
        for (contrast, picture) in thumbnails { pictures[contrast, default: []].append((index, picture)) }
    }

    /// The small pictures of a prepared volume whose first axis runs from left to right; none if it is too small.
    static func thumbnails(_ volume: PreparedVolume) -> [Contrast: [Float]] {
        let factor = volume.size / edge
        guard factor > 0 else { return [:] }
        var result: [Contrast: [Float]] = [:]
        for contrast in Contrast.allCases where volume.present[contrast.channel] {
            result[contrast] = SideComparison.shrink(volume, contrast: contrast, factor: factor, edge: edge)
        }
        return result
    }

    /// Indices of the cases that stand out, rising.
    func mirrored() -> [Int] {
        var found = Set<Int>()
        for group in pictures.values where group.count >= Self.fewestCases {
            let preferences = preferences(group.map(\.picture))
            let n = Double(preferences.count)
            let mean = preferences.reduce(0, +) / n
            let variance = preferences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1)
            let deviation = variance.squareRoot()
            guard deviation > 0, mean > Self.surelyLopsided * deviation / n.squareRoot() else { continue }
            for (entry, preference) in zip(group, preferences)
            where preference < min(0, mean - Self.farOutside * deviation) {
                found.insert(entry.index)
            }
        }
        return found.sorted()
    }

    /// For each picture: covariance of its lopsidedness with that of the mean of the others, over both their lengths.
    private func preferences(_ pictures: [[Float]]) -> [Double] {
        let sides = pictures.map(Self.lopsidedness)
        var sum = [Double](repeating: 0, count: sides[0].count)
        for side in sides { for i in side.indices { sum[i] += Double(side[i]) } }
        return sides.map { side in
            var (own, others, shared) = (0.0, 0.0, 0.0)
            for i in side.indices {
                let (a, b) = (Double(side[i]), sum[i] - Double(side[i]))
                own += a * a
                others += b * b
                shared += a * b
            }
            return own > 0 && others > 0 ? shared / (own * others).squareRoot() : 0
        }
    }

    /// A picture less its mirror image.
    private static func lopsidedness(_ picture: [Float]) -> [Float] {
        let area = edge * edge
        return picture.indices.map { i in
            let x = i / area
            return picture[i] - picture[(edge - 1 - x) * area + i % area]
        }
    }
}
