/// What heads of every class may show and no one is asked about: hyperintense white matter of age, plaques, old
/// infarcts, arachnoid cysts, small enhancing vessels. They are drawn without regard to the class, so that a bright
/// patch alone says nothing.
struct IncidentalFindings: Sendable {
    private struct Spot: Sendable {
        var centre: SIMD3<Float>
        var radius: Float
        var kind: Kind
    }
    private enum Kind: Sendable { case gliosis, cavity, vessels }

    private let spots: [Spot]
    private let halo: Float
    private let border: SmoothField
    /// How full of agent the veins are when the image is taken, 0...1.
    let venousFilling: Float
    /// Share of the fluid about the cortex that is vessel.
    let pial: Float

    init(atrophy: Double, anatomy: BrainAnatomy, random: RandomStream) {
        var draw = random.fork("incidental")
        border = SmoothField(extent: BrainAnatomy.extent, spacing: 9, random: random.fork("incidental border"))
        halo = Float(max(0, 0.3 + 3.8 * atrophy * draw.uniform(0.2, 1.4)))
        venousFilling = Float(draw.uniform(0.05, 1))
        pial = Float(max(0, draw.uniform(-0.1, 0.3)))
        var spots: [Spot] = []
        func place(_ kind: Kind, _ radius: Double, cortex: Bool) {
            for _ in 0..<60 {
                let p = SIMD3(
                    Float(draw.uniform(-60, 60)), Float(draw.uniform(-72, 72)), Float(draw.uniform(-22, 58)))
                let depth = -anatomy.outline(at: p)
                guard depth > (cortex ? 3 : 10) else { continue }
                if anatomy.sample(at: p, width: 2).white > (cortex ? 0.2 : 0.8) {
                    spots.append(Spot(centre: p, radius: Float(radius), kind: kind))
                    return
                }
            }
        }
        let plaques = draw.chance(0.12)
        let patches = Int(draw.uniform(0, 3) + 16 * atrophy * draw.uniform()) + (plaques ? draw.below(12) : 0)
        for _ in 0..<patches { place(.gliosis, draw.uniform(1.5, plaques ? 6 : 4.5), cortex: false) }
        if draw.chance(0.35) { place(.cavity, draw.uniform(4, 14), cortex: true) }
        if draw.chance(0.35) { place(.gliosis, draw.uniform(7, 16), cortex: true) }
        if draw.chance(0.35) { place(.vessels, draw.uniform(3, 9), cortex: true) }
        self.spots = spots
    }

    /// Shares at a point, 0...1.
    struct Share {
        var gliosis: Float = 0
        var cavity: Float = 0
        var vessels: Float = 0
    }

    /// - Parameters:
    ///   - ventricle: millimetres outside the ventricles.
    ///   - width: the side of a voxel in millimetres.
    func share(at point: SIMD3<Float>, ventricle: Float, width: Float) -> Share {
        var share = Share()
        var near = ventricle < halo * 3
        for spot in spots where !near {
            let d = point - spot.centre
            let reach = spot.radius * 1.8 + 4
            near = (d * d).sum() < reach * reach
        }
        guard near else { return share }
        let rough = border.value(at: point)
        if ventricle > 0 {
            share.gliosis = SignedDistance.coverage(ventricle - halo * (1 + 0.6 * rough.x), 2) * 0.85
        }
        for spot in spots {
            let d = point - spot.centre
            let outside = (d * d).sum().squareRoot() - spot.radius * (1 + 0.3 * min(max(rough.y, -2), 2))
            switch spot.kind {
            case .gliosis:
                share.gliosis = max(share.gliosis, SignedDistance.coverage(outside, max(width, 2.5)))
            case .cavity:
                share.cavity = max(share.cavity, SignedDistance.coverage(outside, width))
                share.gliosis = max(share.gliosis, SignedDistance.coverage(outside - 3, 4))
            case .vessels:
                share.vessels = max(share.vessels, SignedDistance.coverage(outside, 3) * 0.5)
            }
        }
        return share
    }
}
