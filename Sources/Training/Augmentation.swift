import Encoder
import Foundation

/// How training cases are changed a little each time they are shown, so that a network learns what stays the same. What is
/// drawn depends on seed, case and epoch and nothing else.
package struct Augmentation: Codable, Sendable, Equatable {
    package enum Kind: String, Codable, Sendable, CaseIterable {
        /// Left and right exchanged, every other time.
        case flip
        /// Turned by up to 5° about each axis, scaled by up to 5 %, shifted by up to 3 % of the edge.
        case affine
        /// Each contrast's values raised to a power of 0.8 to 1.25 and multiplied by 0.9 to 1.1.
        case intensity
        /// Each contrast multiplied by a smooth field: e to the power of a quadratic of the place, −1…1 along each axis,
        /// with coefficients of up to ±0.1.
        case biasField = "bias-field"
    }

    /// In the order in which they are done.
    package let kinds: [Kind]
    /// Which axis of the cube runs from left to right.
    private let leftRight: Int

    /// - Parameter orientation: three letters the axes point to, such as `RAS`.
    /// - Throws: ``TrainingError`` when a flip is asked for and no axis is known to run from left to right.
    package init(_ kinds: Set<Kind>, orientation: String) throws(TrainingError) {
        self.kinds = Kind.allCases.filter { kinds.contains($0) }
        let axis = Array(orientation).firstIndex { $0 == "R" || $0 == "L" }
        guard axis != nil || !kinds.contains(.flip) else {
            throw TrainingError(
                .settings,
                "Scans prepared with the orientation \(orientation) cannot be flipped: which axis runs from left to "
                    + "right is not known; leave flip out, or prepare them as RAS")
        }
        leftRight = axis ?? 0
    }

    /// Changes a case.
    /// - Parameters:
    ///   - voxels: (contrasts, size³), 0…1, zero outside of the head.
    ///   - contrasts: how many there are.
    ///   - name: what is drawn for, beside the seed: the case and the epoch.
    package func apply(to voxels: inout [Float], contrasts: Int, seed: UInt64, name: String) {
        guard !kinds.isEmpty else { return }
        var stream = RandomStream(seed: seed, name: "augmentation of \(name)")
        let size = EncoderInput.edge(voxels: voxels.count / contrasts)
        for kind in kinds {
            switch kind {
            case .flip: if stream.unit() < 0.5 { flip(&voxels, contrasts, size) }
            case .affine: resample(&voxels, contrasts, size, &stream)
            case .intensity: Self.intensity(&voxels, contrasts, &stream)
            case .biasField: Self.biasField(&voxels, contrasts, size, &stream)
            }
        }
    }

    private func flip(_ voxels: inout [Float], _ contrasts: Int, _ size: Int) {
        // Elements between neighbours along the axis, and the number of such rows.
        let stride = [size * size, size, 1][leftRight]
        for outer in 0..<contrasts * size * size * size / (stride * size) {
            for low in 0..<size / 2 {
                let (a, b) = ((outer * size + low) * stride, (outer * size + size - 1 - low) * stride)
                for i in 0..<stride { voxels.swapAt(a + i, b + i) }
            }
        }
    }

    /// Trilinear, zero outside.
    private func resample(_ voxels: inout [Float], _ contrasts: Int, _ size: Int, _ stream: inout RandomStream) {
        func drawn(_ most: Float) -> Float { (2 * stream.unit() - 1) * most }
        let angles = (drawn(Float.pi / 36), drawn(Float.pi / 36), drawn(Float.pi / 36))
        let scale = 1 + drawn(0.05)
        let shift = (drawn(0.03) * Float(size), drawn(0.03) * Float(size), drawn(0.03) * Float(size))
        let (cx, sx, cy, sy, cz, sz) = (
            cos(angles.0), sin(angles.0), cos(angles.1), sin(angles.1), cos(angles.2), sin(angles.2)
        )
        // Rows of Rz·Ry·Rx, by which a place of the result is looked up in the source.
        let m: [Float] = [
            cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx,
            sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx,
            -sy, cy * sx, cy * cx,
        ].map { $0 * scale }
        let middle = Float(size - 1) / 2
        let source = voxels
        let channel = size * size * size
        source.withUnsafeBufferPointer { source in
            voxels.withUnsafeMutableBufferPointer { target in
                for i in 0..<size {
                    for j in 0..<size {
                        for k in 0..<size {
                            let (x, y, z) = (Float(i) - middle, Float(j) - middle, Float(k) - middle)
                            let place = (
                                m[0] * x + m[1] * y + m[2] * z + middle + shift.0,
                                m[3] * x + m[4] * y + m[5] * z + middle + shift.1,
                                m[6] * x + m[7] * y + m[8] * z + middle + shift.2
                            )
                            let at = (i * size + j) * size + k
                            Self.sample(source, target, contrasts, channel, size, place, at)
                        }
                    }
                }
            }
        }
    }

    @inline(__always)
    private static func sample(
        _ source: UnsafeBufferPointer<Float>, _ target: UnsafeMutableBufferPointer<Float>, _ contrasts: Int,
        _ channel: Int, _ size: Int, _ place: (Float, Float, Float), _ at: Int
    ) {
        let (x, y, z) = (place.0.rounded(.down), place.1.rounded(.down), place.2.rounded(.down))
        let last = Float(size - 1)
        guard x >= 0, y >= 0, z >= 0, x < last, y < last, z < last else {
            for c in 0..<contrasts { target[c * channel + at] = 0 }
            return
        }
        let (fx, fy, fz) = (place.0 - x, place.1 - y, place.2 - z)
        let first = (Int(x) * size + Int(y)) * size + Int(z)
        for c in 0..<contrasts {
            let p = c * channel + first
            func line(_ q: Int) -> Float { source[q] + fz * (source[q + 1] - source[q]) }
            let (a, b) = (line(p), line(p + size))
            let (d, e) = (line(p + size * size), line(p + size * size + size))
            let (low, high) = (a + fy * (b - a), d + fy * (e - d))
            target[c * channel + at] = low + fx * (high - low)
        }
    }

    private static func intensity(_ voxels: inout [Float], _ contrasts: Int, _ stream: inout RandomStream) {
        let channel = voxels.count / contrasts
        for c in 0..<contrasts {
            let power = exp((2 * stream.unit() - 1) * log(1.25 as Float))
            let gain = 0.9 + 0.2 * stream.unit()
            for i in c * channel..<(c + 1) * channel where voxels[i] > 0 { voxels[i] = gain * pow(voxels[i], power) }
        }
    }

    private static func biasField(
        _ voxels: inout [Float], _ contrasts: Int, _ size: Int, _ stream: inout RandomStream
    ) {
        let channel = size * size * size
        let step = 2 / Float(max(size - 1, 1))
        for c in 0..<contrasts {
            let f = (0..<9).map { _ in (2 * stream.unit() - 1) * 0.1 }
            for i in 0..<size {
                for j in 0..<size {
                    for k in 0..<size {
                        let at = c * channel + (i * size + j) * size + k
                        guard voxels[at] > 0 else { continue }
                        let (x, y, z) = (Float(i) * step - 1, Float(j) * step - 1, Float(k) * step - 1)
                        let linear = f[0] * x + f[1] * y + f[2] * z
                        let square = f[3] * x * x + f[4] * y * y + f[5] * z * z
                        voxels[at] *= exp(linear + square + f[6] * x * y + f[7] * y * z + f[8] * z * x)
                    }
                }
            }
        }
    }
}
