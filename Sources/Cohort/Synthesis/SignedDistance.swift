/// Signed distances in millimetres, negative inside, of the solids the analytic brain is built from.
enum SignedDistance {
    /// An ellipsoid about 0 with the given semi-axes; exact on the surface, first order elsewhere.
    @inline(__always)
    static func ellipsoid(_ p: SIMD3<Float>, _ axes: SIMD3<Float>) -> Float {
        let a = p / axes
        let b = a / axes
        let k0 = (a * a).sum().squareRoot()
        let k1 = (b * b).sum().squareRoot() + 1e-6
        return k0 * (k0 - 1) / k1
    }

    /// A rod from `a` to `b` whose radius goes from `ra` to `rb`.
    @inline(__always)
    static func rod(_ p: SIMD3<Float>, _ a: SIMD3<Float>, _ b: SIMD3<Float>, _ ra: Float, _ rb: Float) -> Float {
        let along = b - a
        let t = min(max(((p - a) * along).sum() / (along * along).sum(), 0), 1)
        let off = p - a - along * t
        return (off * off).sum().squareRoot() - (ra + (rb - ra) * t)
    }

    /// The union of two solids, its seam rounded over `k` millimetres (Quilez's polynomial smooth minimum).
    @inline(__always)
    static func smoothUnion(_ a: Float, _ b: Float, _ k: Float) -> Float {
        let h = max(k - abs(a - b), 0) / k
        return min(a, b) - h * h * k * 0.25
    }

    /// The part common to two solids, its edge rounded over `k` millimetres.
    @inline(__always)
    static func smoothIntersection(_ a: Float, _ b: Float, _ k: Float) -> Float {
        -smoothUnion(-a, -b, k)
    }

    /// How much of a voxel of side `width` a surface at distance `d` leaves inside: 1 deep inside, 0 outside.
    @inline(__always)
    static func coverage(_ d: Float, _ width: Float) -> Float {
        min(max(0.5 - d / width, 0), 1)
    }
}
