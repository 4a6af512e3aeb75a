import Imaging

/// One head at one visit: for every point, the signal of each contrast, whether it is brain, and how much is tumour.
///
/// Arrays hold x fastest, then y, z, over the box of `BrainAnatomy.extent`; memory is about 24 bytes a voxel.
struct SyntheticHead: Sendable {
    /// Voxels along the axes.
    let counts: SIMD3<Int32>
    /// Side of a voxel in millimetres.
    let spacing: Float
    /// Signals by channel (T1w, T1c, T2w, FLAIR), before gain, field and noise; fluid continues beyond the outline.
    let signals: [SIMD4<Float>]
    /// Millimetres outside the outline brain extraction keeps.
    let outline: [Float]
    /// Share of tumour, oedema excluded, 0...1.
    let tumour: [Float]

    /// The order of the tissues in the weights below: those of `Tissue`, then the tumour's.
    private enum Slot {
        static let solid = 7
        static let rim = 8
        static let core = 9
        static let oedema = 10
        static let nodule = 11
        static let enhancingVessel = 12
    }

    /// - Parameters:
    ///   - spacing: side of a voxel in millimetres.
    ///   - sequences: the pulse sequence of each contrast, by channel.
    ///   - dose: the agent everywhere, relative to the concentrations of the tissues.
    init(
        anatomy: BrainAnatomy, lesion: Lesion?, findings: IncidentalFindings, spacing: Float,
        sequences: [PulseSequence], dose: Double, field: FieldStrength, relaxation: RelaxationTable
    ) {
        self.spacing = spacing
        let extent = BrainAnatomy.extent
        func count(_ half: Float) -> Int32 { Int32((2 * half / spacing).rounded(.up)) }
        counts = SIMD3(count(extent.x), count(extent.y), count(extent.z))
        let palette = Self.palette(
            lesion: lesion, venousFilling: findings.venousFilling, sequences: sequences, dose: dose, field: field,
            relaxation: relaxation)
        let total = Int(counts.x) * Int(counts.y) * Int(counts.z)
        var signals = [SIMD4<Float>](repeating: .zero, count: total)
        var outline = [Float](repeating: 10, count: total)
        var tumour = [Float](repeating: 0, count: total)
        var place = 0
        for k in 0..<Int(counts.z) {
            for j in 0..<Int(counts.y) {
                for i in 0..<Int(counts.x) {
                    let index = SIMD3(Float(i), Float(j), Float(k)) + 0.5
                    let point = index * spacing - extent
                    let ellipse = point / SIMD3<Float>(86, 104, 84)
                    if (ellipse * ellipse).sum() < 1 {
                        let voxel = Self.voxel(
                            at: point, anatomy: anatomy, lesion: lesion, findings: findings, width: spacing)
                        outline[place] = voxel.outline
                        tumour[place] = voxel.tumour
                        signals[place] = SIMD4(
                            (voxel.shares * palette[0]).sum(), (voxel.shares * palette[1]).sum(),
                            (voxel.shares * palette[2]).sum(), (voxel.shares * palette[3]).sum())
                    }
                    place += 1
                }
            }
        }
        self.signals = signals
        self.outline = outline
        self.tumour = tumour
    }

    private struct Voxel {
        var shares: SIMD16<Float>
        var outline: Float
        var tumour: Float
    }

    private static func voxel(
        at point: SIMD3<Float>, anatomy: BrainAnatomy, lesion: Lesion?, findings: IncidentalFindings, width: Float
    ) -> Voxel {
        let origin = lesion?.origin(of: point) ?? (point: point, shift: 0)
        let sample = anatomy.sample(at: origin.point, width: width)
        // The skull does not give way: only what is inside it moves.
        let outline = origin.shift > 0.05 ? anatomy.outline(at: point) : sample.outline
        var shares = SIMD16<Float>.zero
        shares[Tissue.fluid.rawValue] = sample.fluid
        shares[Tissue.grey.rawValue] = sample.grey
        shares[Tissue.white.rawValue] = sample.white
        shares[Tissue.deepGrey.rawValue] = sample.deepGrey
        shares[Tissue.cerebellar.rawValue] = sample.cerebellar
        shares[Tissue.vessel.rawValue] = sample.vessel
        guard outline < 4 else { return Voxel(shares: shares, outline: outline, tumour: 0) }
        if sample.surface > -width && sample.ventricle > 6 {
            move(findings.pial, from: Tissue.fluid.rawValue, to: Tissue.vessel.rawValue, &shares)
        }

        let found = findings.share(at: origin.point, ventricle: sample.ventricle, width: width)
        if found.gliosis > 0 {
            move(found.gliosis, from: Tissue.white.rawValue, to: Tissue.gliosis.rawValue, &shares)
            move(found.gliosis * 0.4, from: Tissue.grey.rawValue, to: Tissue.gliosis.rawValue, &shares)
        }
        if found.vessels > 0 {
            move(found.vessels, from: Tissue.white.rawValue, to: Slot.enhancingVessel, &shares)
            move(found.vessels, from: Tissue.grey.rawValue, to: Slot.enhancingVessel, &shares)
        }
        if found.cavity > 0 {
            shares *= 1 - found.cavity
            shares[Tissue.fluid.rawValue] += found.cavity
        }
        // Choroid plexus in the atria.
        let q = sample.standard
        let plexus = SIMD3<Float>(abs(q.x) - 21, q.y + 34, q.z - 8) / SIMD3<Float>(3, 6, 4)
        if (plexus * plexus).sum() < 1 {
            move(0.7, from: Tissue.fluid.rawValue, to: Tissue.vessel.rawValue, &shares)
        }

        guard let lesion, let share = lesion.share(at: point, outline: outline, width: width) else {
            return Voxel(shares: shares, outline: outline, tumour: 0)
        }
        if share.oedema > 0 {
            move(share.oedema, from: Tissue.white.rawValue, to: Slot.oedema, &shares)
            move(share.oedema, from: Tissue.gliosis.rawValue, to: Slot.oedema, &shares)
            move(share.oedema * 0.3, from: Tissue.grey.rawValue, to: Slot.oedema, &shares)
        }
        if share.tail > 0 { move(share.tail * 0.8, from: Tissue.fluid.rawValue, to: Slot.solid, &shares) }
        shares *= 1 - share.tumour
        shares[Slot.solid] += share.solid
        shares[Slot.rim] += share.rim
        shares[Slot.core] += share.core
        shares[Slot.nodule] += share.nodule
        return Voxel(shares: shares, outline: outline, tumour: share.tumour)
    }

    @inline(__always)
    private static func move(_ part: Float, from: Int, to: Int, _ shares: inout SIMD16<Float>) {
        let moved = shares[from] * part
        shares[from] -= moved
        shares[to] += moved
    }

    /// The signal of every tissue in every contrast: four rows of sixteen slots.
    private static func palette(
        lesion: Lesion?, venousFilling: Float, sequences: [PulseSequence], dose: Double, field: FieldStrength,
        relaxation: RelaxationTable
    ) -> [SIMD16<Float>] {
        var plain = Tissue.allCases.map { (relaxation($0, at: field), 0.0) }
        // Blood pool after injection; the intact barrier leaves a trace of agent in grey matter.
        plain[Tissue.vessel.rawValue].1 = 0.7 * Double(venousFilling)
        plain[Tissue.grey.rawValue].1 = 0.015
        plain[Tissue.deepGrey.rawValue].1 = 0.015
        if let parts = lesion?.plan.tissues {
            for part in [parts.solid, parts.rim, parts.core, parts.oedema, parts.nodule] {
                plain.append((part.relaxation(at: field), part.agent))
            }
        } else {
            plain += Array(repeating: plain[Tissue.white.rawValue], count: 5)
        }
        plain.append((relaxation(.grey, at: field), 0.15 + 0.5 * Double(venousFilling)))
        return Contrast.allCases.map { contrast in
            var row = SIMD16<Float>.zero
            for (slot, (tissue, agent)) in plain.enumerated() {
                let present = contrast == .t1c ? tissue.with(agent: agent * dose, at: field) : tissue
                row[slot] = Float(sequences[contrast.channel].signal(of: present))
            }
            return row
        }
    }
}
