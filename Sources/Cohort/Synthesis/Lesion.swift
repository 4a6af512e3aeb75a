/// A tumour in place: the shares of its parts at any point, and how it moves the brain about it.
struct Lesion: Sendable {
    let plan: LesionPlan
    let centre: SIMD3<Float>
    /// Where the plane of a falx meningioma cuts it, and the side it keeps; nil elsewhere.
    private let falx: (offset: Float, side: Float)?
    private let border: SmoothField
    private let grain: SmoothField
    private let bumps: Float
    private let falloff: Float

    /// Places a tumour: intra-axial ones in supratentorial white matter, dural ones on the outline or the falx.
    init(_ plan: LesionPlan, in anatomy: BrainAnatomy, variant: GeneratorVariant, random: RandomStream) {
        self.plan = plan
        var draw = random.fork("place")
        if plan.dural {
            (centre, falx) = Self.duralPlace(plan, anatomy, &draw)
        } else {
            (centre, falx) = (Self.intraAxialPlace(plan, anatomy, &draw), nil)
        }
        let texture = variant.texture
        let reach = SIMD3<Float>(repeating: 48)
        border = SmoothField(extent: reach, spacing: texture.borderSpacing, random: random.fork("border"))
        grain = SmoothField(extent: reach, spacing: texture.grainSpacing, random: random.fork("grain"))
        bumps = texture.borderReach * (plan.dural ? 0.6 : 1)
        falloff = plan.radius + 10
    }

    /// Where the tissue now at `point` lay before the tumour pushed it aside, and how far it was pushed (millimetres).
    func origin(of point: SIMD3<Float>) -> (point: SIMD3<Float>, shift: Float) {
        let away = point - centre
        let distance = (away * away).sum().squareRoot()
        guard distance > 0.01 else { return (point, 0) }
        var shift = plan.push * min(distance, plan.radius)
        if distance > plan.radius {
            let t = (distance - plan.radius) / falloff
            guard t < 2.5 else { return (point, 0) }
            let ease = 1 - t / 2.5
            shift *= ease * ease * ease
        }
        return (point - away * (shift / distance), shift)
    }

    /// The shares at a point.
    struct Share {
        /// Of the whole voxel, the tumour; the rest is brain.
        var tumour: Float
        var solid: Float
        var rim: Float
        var core: Float
        var nodule: Float
        /// Of what is not tumour, how much white matter is swollen.
        var oedema: Float
        /// Of the fluid at the dura, how much is enhancing tail.
        var tail: Float
    }

    /// - Parameters:
    ///   - outline: millimetres outside the brain's outline at the point.
    ///   - width: the side of a voxel in millimetres.
    /// - Returns: nil where neither tumour nor oedema nor tail reaches.
    func share(at point: SIMD3<Float>, outline: Float, width: Float) -> Share? {
        let local = point - centre
        let scaled = local / plan.stretch
        let distance = (scaled * scaled).sum().squareRoot()
        let reach = max(plan.oedemaReach * 1.6, plan.tailReach * plan.radius - plan.radius, 4) + 4
        guard distance < plan.radius * 1.4 + reach else { return nil }
        let rough = border.value(at: local)
        var outside = distance - plan.radius * (1 + bumps * min(max(rough.x, -2), 2))
        if let falx { outside = max(outside, (falx.offset - point.x * falx.side)) }
        let tumour = SignedDistance.coverage(outside, max(width, plan.fade))
        var share = Share(tumour: tumour, solid: 0, rim: 0, core: 0, nodule: 0, oedema: 0, tail: 0)
        if tumour > 0 {
            let fine = grain.value(at: local)
            let core =
                plan.rimThickness == .infinity
                ? 0 : SignedDistance.coverage(outside + plan.rimThickness * (1 + 0.3 * rough.y), width)
            // Parts run into each other where the grain says so.
            let mixing = plan.unevenness * min(max(0.5 + 0.5 * fine.x, 0), 1)
            let off = local - plan.stretch * plan.radius * 0.35
            let nodule =
                plan.noduleRadius > 0
                ? SignedDistance.coverage((off * off).sum().squareRoot() - plan.noduleRadius, width) : 0
            share.nodule = tumour * nodule
            let rest = tumour - share.nodule
            share.core = rest * (plan.rimThickness == .infinity ? 0 : core * (1 - 0.4 * mixing))
            share.rim = rest * (plan.rimThickness == .infinity ? 0 : (1 - core) * (1 - mixing))
            share.solid = rest - share.core - share.rim
        }
        if plan.oedemaReach > 0 {
            let reach = plan.oedemaReach * (1 + 0.35 * min(max(rough.z, -2), 1.5))
            share.oedema = SignedDistance.coverage(outside - reach * 0.5, reach) * 0.95
        }
        if plan.tailReach > 0 && outline > -2.5 && distance < plan.tailReach * plan.radius {
            share.tail = SignedDistance.coverage(-2 - outline, width)
        }
        return share
    }

    private static func intraAxialPlace(
        _ plan: LesionPlan, _ anatomy: BrainAnatomy, _ draw: inout RandomStream
    ) -> SIMD3<Float> {
        let frontal = draw.chance(plan.frontal)
        let radius = plan.radius / plan.growth
        let depth = plan.superficial ? radius * 0.35...radius * 0.9 : radius * 0.9...60
        var best = SIMD3<Float>(30, 10, 20)
        for _ in 0..<600 {
            let p = SIMD3(
                Float(draw.uniform(-62, 62)), Float(frontal ? draw.uniform(12, 75) : draw.uniform(-75, 40)),
                Float(draw.uniform(-25, 58)))
            guard depth.contains(-anatomy.outline(at: p)) else { continue }
            let here = anatomy.sample(at: p, width: 2)
            guard here.white > 0.5, here.standard.z > -14 || abs(here.standard.x) > 24 else { continue }
            best = p
            break
        }
        return best
    }

    private static func duralPlace(
        _ plan: LesionPlan, _ anatomy: BrainAnatomy, _ draw: inout RandomStream
    ) -> (SIMD3<Float>, (offset: Float, side: Float)?) {
        let sink = plan.radius / plan.growth * Float(draw.uniform(0.4, 0.8))
        if draw.chance(0.2) {
            let side: Float = draw.chance(0.5) ? 1 : -1
            for _ in 0..<200 {
                let p = SIMD3(side * sink, Float(draw.uniform(-55, 55)), Float(draw.uniform(30, 60)))
                let depth = -anatomy.outline(at: p)
                if depth > 3 && depth < 25 { return (p, (0.5, side)) }
            }
        }
        var along = draw.direction()
        let base = draw.chance(0.22)
        while base ? along.z > -0.25 || along.y < -0.3 : along.z < -0.1 { along = draw.direction() }
        // March outward to the dura, then sink the centre along the dura's inward normal.
        var surface = SIMD3<Float>(0, 0, base ? -5 : 5)
        while anatomy.outline(at: surface) < 0 { surface += along }
        func slope(_ axis: SIMD3<Float>) -> Float {
            anatomy.outline(at: surface + axis) - anatomy.outline(at: surface - axis)
        }
        var normal = SIMD3(slope(SIMD3(1.5, 0, 0)), slope(SIMD3(0, 1.5, 0)), slope(SIMD3(0, 0, 1.5)))
        normal /= (normal * normal).sum().squareRoot() + 1e-4
        return (surface - normal * sink, nil)
    }
}
