/// One person's brain: an analytic brain of ellipsoids, rods and folds, turned, scaled and smoothly deformed.
///
/// Points are in millimetres of the scanner, RAS, 0 near the middle of the head. The standard brain has its commissures
/// near 0, its cerebrum 134 × 168 × 112 mm.
struct BrainAnatomy: Sendable {
    /// Half the box, in millimetres, in which every brain lies.
    static let extent = SIMD3<Float>(80, 96, 76)

    private let turn: (SIMD3<Float>, SIMD3<Float>, SIMD3<Float>)
    private let shift: SIMD3<Float>
    private let scale: SIMD3<Float>
    private let deformation: SmoothField
    private let fineDeformation: SmoothField
    private let reach: (coarse: Float, fine: Float)
    private let folds: FoldField
    private let sulcusHalfWidth: Float
    private let sulcusDepth: Float
    private let rim: Float
    private let ventricles: Float
    private let cortex: Float
    private let sinusSize: SIMD2<Float>

    /// - Parameters:
    ///   - atrophy: 0 (young) to 1 (old): wider sulci and ventricles, thinner cortex.
    ///   - variant: the family of deformations.
    ///   - random: the patient's own stream: the same person at another visit is the same brain.
    init(atrophy: Double, variant: GeneratorVariant, random: RandomStream) {
        var person = random.fork("brain")
        var lie = random.fork("pose")
        let rows = PortableMath.rotation(
            degrees: SIMD3(3 * lie.normal(), 1.5 * lie.normal(), 2 * lie.normal()))
        turn = (SIMD3<Float>(rows[0]), SIMD3<Float>(rows[1]), SIMD3<Float>(rows[2]))
        shift = SIMD3(Float(1.5 * lie.normal()), Float(1.5 * lie.normal()), Float(lie.normal()) + 0.5)
        let size = person.normal(mean: 0.985, deviation: 0.03, in: 0.91...1.06)
        scale = SIMD3(
            Float(size * person.normal(mean: 1, deviation: 0.025, in: 0.94...1.06)),
            Float(size * person.normal(mean: 1, deviation: 0.025, in: 0.94...1.05)),
            Float(size * person.normal(mean: 1, deviation: 0.025, in: 0.94...1.06)))
        let family = variant.deformation
        deformation = SmoothField(
            extent: Self.extent, spacing: family.coarseSpacing, random: random.fork("deformation"))
        fineDeformation = SmoothField(
            extent: Self.extent, spacing: family.fineSpacing, random: random.fork("fine deformation"))
        reach = (family.coarseReach, family.fineReach)
        folds = FoldField(extent: Self.extent, spacing: family.foldSpacing, random: random.fork("folds"))
        sulcusHalfWidth = Float(0.15 + 0.75 * atrophy + 0.12 * abs(person.normal()))
        sulcusDepth = Float(person.uniform(13, 18))
        rim = Float(1.2 + 1.6 * atrophy + person.uniform(0, 0.8))
        ventricles = Float((0.75 + 0.75 * atrophy) * person.normal(mean: 1, deviation: 0.2, in: 0.6...1.6))
        cortex = Float(person.uniform(2.6, 3.3) - 0.4 * atrophy)
        sinusSize = SIMD2(Float(person.uniform(1.5, 7)), Float(person.uniform(1, 7)))
    }

    /// What the brain is made of about one point.
    struct Sample {
        /// Millimetres outside the outline that brain extraction keeps; negative within.
        var outline: Float
        /// Millimetres outside brain tissue (in fluid or beyond the outline); negative within.
        var surface: Float
        /// Millimetres outside the ventricles.
        var ventricle: Float
        /// Shares of the tissues of `Tissue` in a voxel, summing to 1; gliosis is left to the lesions.
        var fluid: Float
        var grey: Float
        var white: Float
        var deepGrey: Float
        var cerebellar: Float
        var vessel: Float
        /// The point in the standard brain.
        var standard: SIMD3<Float>
    }

    /// - Parameters:
    ///   - point: where, in millimetres of the scanner, after any shift by a mass.
    ///   - width: the side of the voxel, over which tissue borders blur.
    func sample(at point: SIMD3<Float>, width: Float) -> Sample {
        let q = standard(point)
        let outer = structures(q)
        let outline = outer.hull - rim
        var sample = Sample(
            outline: outline, surface: outline, ventricle: 100, fluid: 1, grey: 0, white: 0, deepGrey: 0, cerebellar: 0,
            vessel: 0, standard: q)
        guard outline < 4 else { return sample }

        // Fluid reaches the cortex through the sulci; what is left of the cerebrum is cortex near fluid, white beneath.
        let e = ((q - SIMD3(0, 0, 4)) / SIMD3(66, 84, 58))
        let level = 0.3 + 0.7 * min((e * e).sum().squareRoot(), 1.1)
        let depth = -outer.cerebrum
        let sheet = folds.distanceToZero(at: q / level) * level - sulcusHalfWidth
        var sulcus = max(sheet, depth - sulcusDepth)
        let sylvian = max(
            abs(q.z + 5 - 0.25 * q.y) - sulcusHalfWidth - 0.6, 40 - abs(q.x), abs(q.y - 2) - 27)
        sulcus = min(sulcus, sylvian)
        let cerebrum = max(outer.cerebrum, -sulcus)
        let tissue = min(cerebrum, outer.cerebellum, outer.stem)
        sample.ventricle = ventricleDistance(q)
        let fluidDistance = max(tissue, -sample.ventricle)
        sample.surface = fluidDistance
        let solid = SignedDistance.coverage(fluidDistance, width)
        sample.fluid = 1 - solid
        guard solid > 0 else {
            sample.vessel = sinus(q, outline) * sample.fluid
            sample.fluid -= sample.vessel
            return sample
        }

        if outer.cerebellum < cerebrum && outer.cerebellum < outer.stem {
            let core = SignedDistance.ellipsoid(
                SIMD3(abs(q.x) - 16, q.y + 46, q.z + 38), SIMD3(17, 12, 7))
            let white = solid * SignedDistance.coverage(core, 6)
            // Folia: leaves about 6 mm apart, fluid between them near the surface.
            let wave = (q.z * 0.9 + abs(q.x) * 0.35) / 6
            let leaf = abs(wave - wave.rounded()) * 2
            let gap = (solid - white) * max(0, leaf - 0.6) * SignedDistance.coverage(-outer.cerebellum - 7, 6)
            sample.white = white
            sample.fluid += gap
            sample.cerebellar = solid - white - gap
        } else if outer.stem < cerebrum {
            sample.white = 0.7 * solid
            sample.deepGrey = solid - sample.white
        } else {
            let grey = SignedDistance.coverage(-cerebrum - cortex, width)
            let nucleus = SignedDistance.coverage(nuclei(q), width)
            sample.grey = solid * grey * (1 - nucleus)
            sample.deepGrey = solid * nucleus
            sample.white = solid - sample.grey - sample.deepGrey
        }
        sample.vessel = sinus(q, outline) * sample.fluid
        sample.fluid -= sample.vessel
        return sample
    }

    /// Millimetres outside the outline, for placing lesions: the cheap part of `sample`.
    func outline(at point: SIMD3<Float>) -> Float {
        structures(standard(point)).hull - rim
    }

    /// A point of the scanner carried into the standard brain.
    private func standard(_ point: SIMD3<Float>) -> SIMD3<Float> {
        let p = point - shift
        // The inverse of a rotation is its transpose.
        let turned = turn.0 * p.x + turn.1 * p.y + turn.2 * p.z
        let coarse = deformation.value(at: turned)
        let fine = fineDeformation.value(at: turned)
        let moved =
            SIMD3(coarse.x, coarse.y, coarse.z) * reach.coarse + SIMD3(fine.x, fine.y, fine.z) * reach.fine
        return turned / scale + moved
    }

    private struct Structures {
        var cerebrum: Float
        var cerebellum: Float
        var stem: Float
        var hull: Float
    }

    private func structures(_ q: SIMD3<Float>) -> Structures {
        // The head narrows to the front.
        let front = max(q.y, 0) / 84
        let x = abs(q.x) * (1 + 0.13 * front * front)
        let whole = SignedDistance.ellipsoid(SIMD3(x, q.y, q.z - 8), SIMD3(66, 84, 56))
        let floor = q.y > -20 ? -20 - q.z : -20 - q.z + 0.18 * (-20 - q.y)
        let upper = SignedDistance.smoothIntersection(whole, floor, 14)
        let temporal = SignedDistance.ellipsoid(SIMD3(abs(q.x) - 39, q.y - 2, q.z + 22), SIMD3(21, 40, 22))
        let lobes = SignedDistance.smoothUnion(upper, temporal, 8)
        // Above and around the callosum, the hemispheres are apart.
        let callosum = SignedDistance.ellipsoid(SIMD3(0, q.y + 2, q.z - 8), SIMD3(1000, 41, 21))
        let fissure = max(abs(q.x) - 0.5 - sulcusHalfWidth * 0.8, -callosum)
        let cerebellum = SignedDistance.ellipsoid(
            SIMD3(max(abs(q.x) - 8, 0), q.y + 46, q.z + 38), SIMD3(42, 31, 22))
        let stem = SignedDistance.rod(q, SIMD3(0, -14, -12), SIMD3(0, -26, -66), 13, 9)
        let hull = SignedDistance.smoothUnion(
            SignedDistance.smoothUnion(lobes, cerebellum, 10), stem, 10)
        return Structures(cerebrum: max(lobes, -fissure), cerebellum: cerebellum, stem: stem, hull: hull)
    }

    private func ventricleDistance(_ q: SIMD3<Float>) -> Float {
        let p = SIMD3(abs(q.x), q.y, q.z)
        let r = ventricles
        var d = SignedDistance.rod(p, SIMD3(9, 29, 5), SIMD3(8, 4, 16), 4 * r, 4.2 * r)
        d = min(d, SignedDistance.rod(p, SIMD3(8, 4, 16), SIMD3(13, -24, 15), 4.2 * r, 4.6 * r))
        d = min(d, SignedDistance.rod(p, SIMD3(13, -24, 15), SIMD3(24, -36, 5), 4.6 * r, 5.5 * r))
        d = min(d, SignedDistance.rod(p, SIMD3(24, -36, 5), SIMD3(22, -58, 4), 5 * r, 1.5 * r))
        d = min(d, SignedDistance.rod(p, SIMD3(24, -36, 5), SIMD3(32, -8, -14), 4 * r, 2 * r))
        d = min(d, SignedDistance.ellipsoid(SIMD3(q.x, q.y + 8, q.z), SIMD3(1.8 * r + 0.6, 12, 9)))
        return min(d, SignedDistance.ellipsoid(SIMD3(q.x, q.y + 35, q.z + 34), SIMD3(6 * r, 4 * r, 9)))
    }

    private func nuclei(_ q: SIMD3<Float>) -> Float {
        let x = abs(q.x)
        let thalamus = SignedDistance.ellipsoid(SIMD3(x - 11, q.y + 13, q.z - 3), SIMD3(8, 14, 8.5))
        let caudate = SignedDistance.rod(
            SIMD3(x, q.y, q.z), SIMD3(14, 20, 5), SIMD3(16, -8, 18), 5.5, 2.5)
        let putamen = SignedDistance.ellipsoid(SIMD3(x - 27, q.y - 4, q.z - 2), SIMD3(6, 16, 10))
        return min(thalamus, caudate, putamen)
    }

    /// The superior sagittal sinus, as far as brain extraction leaves it.
    private func sinus(_ q: SIMD3<Float>, _ outline: Float) -> Float {
        guard q.z > 0 else { return 0 }
        return SignedDistance.coverage(max(abs(q.x) - sinusSize.x, -sinusSize.y - outline), 2)
    }
}
