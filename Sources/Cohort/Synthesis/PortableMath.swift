/// Elementary functions from sums, products and quotients alone. Those are rounded the same way everywhere; the C
/// library's differ between versions in the last bit, and a cohort must be the same bytes on every machine.
enum PortableMath {
    /// e to the power x, relative error under 1e-14 for |x| ≤ 700.
    static func exp(_ x: Double) -> Double {
        guard x > -700 else { return 0 }
        // x = n·ln 2 + r with |r| ≤ ln 2 / 2; ln 2 in two parts so that r keeps its low bits.
        let n = (x * 1.4426950408889634).rounded()
        let r = (x - n * 0.6931471803691238) - n * 1.9082149292705877e-10
        var sum = 1.0
        for k in stride(from: 14.0, through: 1, by: -1) { sum = 1 + sum * r / k }
        return sum * Double(sign: .plus, exponent: Int(n), significand: 1)
    }

    /// The natural logarithm of a number in 1...2, by Newton's method on `exp`.
    static func logarithm(_ x: Double) -> Double {
        var y = 2 * (x - 1) / (x + 1)
        for _ in 0..<4 { y += 2 * (x - exp(y)) / (x + exp(y)) }
        return y
    }

    /// Sine and cosine of an angle in radians, |angle| ≤ π.
    static func sineAndCosine(_ angle: Double) -> (sine: Double, cosine: Double) {
        let square = angle * angle
        var sine = 1.0
        var cosine = 1.0
        for k in stride(from: 24.0, through: 2, by: -2) {
            sine = 1 - sine * square / (k * (k + 1))
            cosine = 1 - cosine * square / (k * (k - 1))
        }
        return (sine * angle, cosine)
    }

    /// The rotation by three angles in degrees: about x, then y, then z. Rows of the matrix.
    static func rotation(degrees: SIMD3<Double>) -> [SIMD3<Double>] {
        let (sx, cx) = sineAndCosine(degrees.x * 0.017453292519943295)
        let (sy, cy) = sineAndCosine(degrees.y * 0.017453292519943295)
        let (sz, cz) = sineAndCosine(degrees.z * 0.017453292519943295)
        return [
            SIMD3(cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx),
            SIMD3(sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx),
            SIMD3(-sy, cy * sx, cy * cx),
        ]
    }
}
