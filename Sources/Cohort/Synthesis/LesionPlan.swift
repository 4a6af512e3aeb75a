/// One tumour: where it lies, how large and uneven it is, what its parts are.
///
/// The kinds overlap on purpose: every number is drawn from a distribution that the kinds share in part, and each kind
/// has minorities that look like another.
struct LesionPlan: Sendable {
    var tissues: LesionTissues
    /// Radius in millimetres, before stretching.
    var radius: Float
    /// The radius relative to the first visit, whose place is kept.
    var growth: Float
    /// Lengths of the three axes relative to the radius.
    var stretch: SIMD3<Float>
    /// Thickness of the rim in millimetres; what lies deeper is core. Infinite: no core.
    var rimThickness: Float
    /// Width in millimetres over which the tumour fades into the brain.
    var fade: Float
    /// How far oedema reaches beyond the border, in millimetres; 0 for none.
    var oedemaReach: Float
    /// How strongly neighbouring parts mix within, 0...1.
    var unevenness: Float
    /// Share of the radius by which the brain is pushed aside, 0...1.
    var push: Float
    /// Radius in millimetres of an enhancing nodule within; 0 for none.
    var noduleRadius: Float
    /// Whether it grows from the dura, and so may have a dural tail.
    var dural: Bool
    /// Enhancing dura beyond the base, as a share of the radius; 0 for none.
    var tailReach: Float
    /// Whether the tumour is placed near the surface although it arises within the brain.
    var superficial: Bool
    /// Probability that it lies in a frontal lobe.
    var frontal: Double

    /// Draws a tumour of a kind.
    /// - Parameters:
    ///   - pathology: not `normal`, for which there is no plan.
    ///   - growth: the radius relative to the first visit.
    init?(_ pathology: Pathology, growth: Double, random: RandomStream) {
        var draw = random.fork("lesion")
        let radius = draw.normal(mean: 15, deviation: 4.5, in: 7...26)
        let stretch = SIMD3(
            Float(draw.uniform(0.82, 1.2)), Float(draw.uniform(0.82, 1.2)), Float(draw.uniform(0.82, 1.2)))
        let oedema = LesionTissues.Part(
            t1: draw.uniform(1150, 1500), t2: draw.uniform(120, 170), density: draw.uniform(0.76, 0.84))
        let bulk = LesionTissues.Part(
            t1: draw.uniform(1150, 1600), t2: draw.uniform(95, 145), density: draw.uniform(0.78, 0.85))
        self.init(
            tissues: LesionTissues(solid: bulk, rim: bulk, core: bulk, oedema: oedema, nodule: bulk),
            radius: Float(radius * growth), growth: Float(growth), stretch: stretch, rimThickness: .infinity, fade: 2,
            oedemaReach: 0,
            unevenness: 0.2, push: 0.5, noduleRadius: 0, dural: false, tailReach: 0, superficial: false, frontal: 0.3)
        switch pathology {
        case .normal: return nil
        case .meningioma: becomeMeningioma(&draw)
        case .wildtype: becomeWildtype(&draw)
        case .mutant: becomeMutant(&draw)
        }
    }

    private init(
        tissues: LesionTissues, radius: Float, growth: Float, stretch: SIMD3<Float>, rimThickness: Float, fade: Float,
        oedemaReach: Float, unevenness: Float, push: Float, noduleRadius: Float, dural: Bool, tailReach: Float,
        superficial: Bool, frontal: Double
    ) {
        self.tissues = tissues
        self.radius = radius
        self.growth = growth
        self.stretch = stretch
        self.rimThickness = rimThickness
        self.fade = fade
        self.oedemaReach = oedemaReach
        self.unevenness = unevenness
        self.push = push
        self.noduleRadius = noduleRadius
        self.dural = dural
        self.tailReach = tailReach
        self.superficial = superficial
        self.frontal = frontal
    }

    /// Outside the brain on a dural base, even enhancement; a few with a cyst or chalk, a few that hardly enhance.
    private mutating func becomeMeningioma(_ draw: inout RandomStream) {
        dural = true
        radius *= 0.9
        fade = Float(draw.uniform(0.5, 1.5))
        push = Float(draw.uniform(0.7, 0.95))
        unevenness = Float(draw.uniform(0.05, 0.3))
        tissues.solid.agent = draw.chance(0.08) ? draw.uniform(0.03, 0.12) : draw.uniform(0.2, 0.65)
        tissues.solid.relaxation.t1 = draw.uniform(1050, 1450)
        tissues.solid.relaxation.t2 = draw.uniform(80, 130)
        tissues.rim = tissues.solid
        tissues.core = tissues.solid
        if draw.chance(0.55) { oedemaReach = Float(draw.uniform(3, 12)) }
        if draw.chance(0.6) { tailReach = Float(draw.uniform(1.3, 1.9)) }
        if draw.chance(0.2) {
            rimThickness = radius * Float(draw.uniform(0.35, 0.7))
            tissues.core =
                draw.chance(0.6)
                ? LesionTissues.Part(t1: draw.uniform(2000, 3000), t2: draw.uniform(180, 400), density: 0.9)
                : LesionTissues.Part(t1: 1100, t2: draw.uniform(30, 50), density: 0.45)
        }
    }

    /// Ring enhancement about necrosis, oedema; minorities enhance evenly, or not at all.
    private mutating func becomeWildtype(_ draw: inout RandomStream) {
        superficial = draw.chance(0.4)
        frontal = 0.35
        push = Float(draw.uniform(0.25, 0.6))
        unevenness = Float(draw.uniform(0.25, 0.7))
        fade = Float(draw.uniform(1.5, 4))
        if draw.chance(0.85) { oedemaReach = Float(draw.uniform(4, 14)) }
        tissues.solid.relaxation.t1 = draw.uniform(1200, 1700)
        let pattern = draw.uniform()
        if pattern < 0.66 {
            becomeRing(&draw)
        } else if pattern < 0.88 {
            tissues.solid.agent = draw.uniform(0.25, 0.7)
        } else if draw.chance(0.2) {
            becomeMismatch(&draw)
        } else {
            tissues.solid.relaxation.t2 = draw.uniform(115, 170)
            tissues.solid.agent = draw.uniform(0, 0.05)
        }
        settle()
    }

    /// Little enhancement, a sharp border, T2–FLAIR mismatch in half; minorities with a nodule or a ring.
    private mutating func becomeMutant(_ draw: inout RandomStream) {
        superficial = draw.chance(0.5)
        frontal = 0.6
        radius *= 1.1
        push = Float(draw.uniform(0.25, 0.6))
        unevenness = Float(draw.uniform(0.1, 0.45))
        fade = Float(draw.uniform(1, 3))
        if draw.chance(0.4) { oedemaReach = Float(draw.uniform(3, 10)) }
        tissues.solid.relaxation.t1 = draw.uniform(1400, 2000)
        tissues.solid.relaxation.t2 = draw.uniform(125, 190)
        let pattern = draw.uniform()
        if pattern < 0.52 {
            becomeMismatch(&draw)
        } else if pattern < 0.68 {
            becomeRing(&draw)
        }
        if draw.chance(0.3) { noduleRadius = radius * Float(draw.uniform(0.25, 0.45)) }
        settle()
        tissues.nodule.agent = draw.uniform(0.15, 0.5)
    }

    private mutating func becomeRing(_ draw: inout RandomStream) {
        rimThickness = min(Float(draw.uniform(2.5, 6)), radius * 0.5)
        tissues.rim = tissues.solid
        tissues.rim.agent = draw.uniform(0.25, 0.75)
        tissues.core = LesionTissues.Part(
            t1: draw.uniform(1900, 3000), t2: draw.uniform(150, 350), density: draw.uniform(0.85, 0.94))
    }

    private mutating func becomeMismatch(_ draw: inout RandomStream) {
        rimThickness = min(Float(draw.uniform(2, 4)), radius * 0.4)
        tissues.rim = tissues.solid
        tissues.core = LesionTissues.Part(
            t1: draw.uniform(2300, 3100), t2: draw.uniform(190, 300), density: draw.uniform(0.86, 0.93))
    }

    /// Without a core of its own, a tumour is solid throughout.
    private mutating func settle() {
        guard rimThickness == .infinity else { return }
        tissues.rim = tissues.solid
        tissues.core = tissues.solid
        tissues.nodule = tissues.solid
    }
}
