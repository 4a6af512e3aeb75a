/// Four independent random fields over the head, smooth to the second derivative: cubic B-splines through independent
/// near-normal knots (Unser, IEEE Signal Processing Magazine 1999). Each has mean 0 and deviation near 1.
struct SmoothField: Sendable {
    private let knots: [SIMD4<Float>]
    private let counts: SIMD3<Int32>
    private let origin: SIMD3<Float>
    private let spacing: Float

    /// The deviation of a cubic B-spline sum with unit knots, averaged over a cell, is 0.479^(3/2).
    private static let normalisation: Float = 1 / 0.3315

    /// - Parameters:
    ///   - extent: half the size, in millimetres, of the box about 0 in which the field is asked for; beyond it the field
    ///     continues as at the wall.
    ///   - spacing: millimetres between knots; the field's structures are about twice as large.
    init(extent: SIMD3<Float>, spacing: Float, random: RandomStream) {
        self.spacing = spacing
        origin = -extent - SIMD3(repeating: spacing)
        func count(_ half: Float) -> Int32 { Int32((2 * half / spacing).rounded(.up)) + 4 }
        counts = SIMD3(count(extent.x), count(extent.y), count(extent.z))
        var stream = random
        knots = (0..<Int(counts.x) * Int(counts.y) * Int(counts.z)).map { _ in
            SIMD4(Float(stream.normal()), Float(stream.normal()), Float(stream.normal()), Float(stream.normal()))
                * Self.normalisation
        }
    }

    /// The four fields at a point in millimetres.
    func value(at point: SIMD3<Float>) -> SIMD4<Float> {
        let (base, fraction) = cell(of: point)
        let wx = Self.weights(fraction.x)
        let wy = Self.weights(fraction.y)
        let wz = Self.weights(fraction.z)
        let nx = Int(counts.x)
        let ny = Int(counts.y)
        var sum = SIMD4<Float>.zero
        knots.withUnsafeBufferPointer { knots in
            for k in 0..<4 {
                var plane = SIMD4<Float>.zero
                for j in 0..<4 {
                    let row = ((base.2 + k) * ny + base.1 + j) * nx + base.0
                    var line = knots[row] * wx[0]
                    line += knots[row + 1] * wx[1]
                    line += knots[row + 2] * wx[2]
                    line += knots[row + 3] * wx[3]
                    plane += line * wy[j]
                }
                sum += plane * wz[k]
            }
        }
        return sum
    }

    @inline(__always)
    private func cell(of point: SIMD3<Float>) -> ((Int, Int, Int), SIMD3<Float>) {
        let u = (point - origin) / spacing - 1
        let limit = SIMD3<Float>(Float(counts.x - 4), Float(counts.y - 4), Float(counts.z - 4))
        let inside = u.clamped(lowerBound: .zero, upperBound: limit + 0.999)
        let base = inside.rounded(.down)
        return ((Int(base.x), Int(base.y), Int(base.z)), inside - base)
    }

    @inline(__always)
    static func weights(_ t: Float) -> SIMD4<Float> {
        let s = 1 - t
        let t2 = t * t
        let t3 = t2 * t
        return SIMD4(s * s * s, 3 * t3 - 6 * t2 + 4, -3 * t3 + 3 * t2 + 3 * t + 1, t3) / 6
    }

    @inline(__always)
    static func slopes(_ t: Float) -> SIMD4<Float> {
        let s = 1 - t
        return SIMD4(-s * s, 3 * t * t - 4 * t, -3 * t * t + 2 * t + 1, t * t) / 2
    }
}

/// One smooth random field with its gradient, whose zero surfaces are the walls of the sulci.
struct FoldField: Sendable {
    private let knots: [Float]
    private let counts: SIMD3<Int32>
    private let origin: SIMD3<Float>
    private let spacing: Float

    /// - Parameters: as of `SmoothField.init`.
    init(extent: SIMD3<Float>, spacing: Float, random: RandomStream) {
        self.spacing = spacing
        origin = -extent - SIMD3(repeating: spacing)
        func count(_ half: Float) -> Int32 { Int32((2 * half / spacing).rounded(.up)) + 4 }
        counts = SIMD3(count(extent.x), count(extent.y), count(extent.z))
        var stream = random
        knots = (0..<Int(counts.x) * Int(counts.y) * Int(counts.z)).map { _ in Float(stream.normal()) }
    }

    /// The distance in millimetres to the nearest zero surface, to first order: |f| / |∇f|.
    func distanceToZero(at point: SIMD3<Float>) -> Float {
        let u = (point - origin) / spacing - 1
        let limit = SIMD3<Float>(Float(counts.x - 4), Float(counts.y - 4), Float(counts.z - 4))
        let inside = u.clamped(lowerBound: .zero, upperBound: limit + 0.999)
        let base = inside.rounded(.down)
        let t = inside - base
        let (wx, wy, wz) = (SmoothField.weights(t.x), SmoothField.weights(t.y), SmoothField.weights(t.z))
        let (sx, sy, sz) = (SmoothField.slopes(t.x), SmoothField.slopes(t.y), SmoothField.slopes(t.z))
        let nx = Int(counts.x)
        let ny = Int(counts.y)
        let (bx, by, bz) = (Int(base.x), Int(base.y), Int(base.z))
        var sum = SIMD4<Float>.zero  // value, then the three slopes
        knots.withUnsafeBufferPointer { knots in
            for k in 0..<4 {
                for j in 0..<4 {
                    let row = ((bz + k) * ny + by + j) * nx + bx
                    let line = SIMD4(knots[row], knots[row + 1], knots[row + 2], knots[row + 3])
                    let a = (line * wx).sum()
                    let b = (line * sx).sum()
                    sum += SIMD4(a * wy[j] * wz[k], b * wy[j] * wz[k], a * sy[j] * wz[k], a * wy[j] * sz[k])
                }
            }
        }
        let gradient = SIMD3(sum.y, sum.z, sum.w) / spacing
        return abs(sum.x) / ((gradient * gradient).sum().squareRoot() + 1e-4)
    }
}
