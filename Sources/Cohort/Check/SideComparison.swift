import Imaging

/// Compares brains with their mirror images: what is on the left of one picture of a head is on the left of another.
///
/// Works on prepared volumes whose first axis runs from left to right.
struct SideComparison: Sendable {
    /// Edge of the small cubes compared.
    let edge: Int
    /// For each contrast the edges (gradient magnitudes) of its picture, (x, y, z) with z fastest; nil where absent.
    let outlines: [Contrast: [Float]]

    /// About this many voxels along an edge keep a few millimetres each, the size of the asymmetries looked for.
    private static let wantedEdge = 48
    /// How far the middle of two pictures may lie apart, voxels.
    private static let shifts = -4...4
    /// By how much the mirror image must agree better.
    private static let margin: Float = 0.05

    init(_ volume: PreparedVolume) {
        let factor = max(1, volume.size / Self.wantedEdge)
        let small = volume.size / factor
        edge = small
        var outlines: [Contrast: [Float]] = [:]
        for contrast in Contrast.allCases where volume.present[contrast.channel] {
            let picture = Self.shrink(volume, contrast: contrast, factor: factor, edge: small)
            outlines[contrast] = Self.gradient(picture, edge: small)
        }
        self.outlines = outlines
    }

    /// Contrasts that look like the mirror image of the others of the same case. Of two contrasts that disagree the
    /// later one is named: which of them is wrong cannot be seen.
    var mirrored: [(contrast: Contrast, of: Contrast)] {
        guard let reference = Contrast.allCases.first(where: { outlines[$0] != nil }), let first = outlines[reference]
        else { return [] }
        return Contrast.allCases.compactMap { contrast in
            guard contrast != reference, let other = outlines[contrast] else { return nil }
            let (straight, mirrored) = agreement(first, other)
            return mirrored > straight + Self.margin ? (contrast, reference) : nil
        }
    }

    /// The best correlation of two pictures as they are, and with the second mirrored left to right.
    func agreement(_ a: [Float], _ b: [Float]) -> (straight: Float, mirrored: Float) {
        var best: (Float, Float) = (-1, -1)
        for shift in Self.shifts {
            best.0 = max(best.0, correlation(a, b) { $0 + shift })
            best.1 = max(best.1, correlation(a, b) { edge - 1 - $0 + shift })
        }
        return best
    }

    /// Pearson's correlation of a with b taken at other planes x; planes outside the cube are left out.
    private func correlation(_ a: [Float], _ b: [Float], plane: (Int) -> Int) -> Float {
        let area = edge * edge
        var (n, sumA, sumB, aa, bb, ab) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                for x in 0..<edge {
                    let other = plane(x)
                    guard (0..<edge).contains(other) else { continue }
                    var (sa, sb, saa, sbb, sab): (Float, Float, Float, Float, Float) = (0, 0, 0, 0, 0)
                    for i in 0..<area {
                        let (u, v) = (a[x * area + i], b[other * area + i])
                        sa += u
                        sb += v
                        saa += u * u
                        sbb += v * v
                        sab += u * v
                    }
                    n += Double(area)
                    sumA += Double(sa)
                    sumB += Double(sb)
                    aa += Double(saa)
                    bb += Double(sbb)
                    ab += Double(sab)
                }
            }
        }
        let (va, vb) = (aa - sumA * sumA / max(n, 1), bb - sumB * sumB / max(n, 1))
        guard n > 0, va > 0, vb > 0 else { return 0 }
        return Float((ab - sumA * sumB / n) / (va * vb).squareRoot())
    }

    /// The mean over cubes of `factor` voxels.
    static func shrink(_ volume: PreparedVolume, contrast: Contrast, factor: Int, edge: Int) -> [Float] {
        let size = volume.size
        var small = [Float](repeating: 0, count: edge * edge * edge)
        volume.voxels.withUnsafeBufferPointer { voxels in
            for x in 0..<edge * factor {
                for y in 0..<edge * factor {
                    let row = ((contrast.channel * size + x) * size + y) * size
                    let target = ((x / factor) * edge + y / factor) * edge
                    for z in 0..<edge * factor { small[target + z / factor] += voxels[row + z] }
                }
            }
        }
        let scale = 1 / Float(factor * factor * factor)
        for index in small.indices { small[index] *= scale }
        return small
    }

    /// The length of the gradient by central differences; 0 on the faces.
    private static func gradient(_ picture: [Float], edge: Int) -> [Float] {
        var result = [Float](repeating: 0, count: picture.count)
        guard edge > 2 else { return result }
        picture.withUnsafeBufferPointer { p in
            for x in 1..<edge - 1 {
                for y in 1..<edge - 1 {
                    for z in 1..<edge - 1 {
                        let i = (x * edge + y) * edge + z
                        let dx = p[i + edge * edge] - p[i - edge * edge]
                        let dy = p[i + edge] - p[i - edge]
                        let dz = p[i + 1] - p[i - 1]
                        result[i] = (dx * dx + dy * dy + dz * dz).squareRoot()
                    }
                }
            }
        }
        return result
    }
}
