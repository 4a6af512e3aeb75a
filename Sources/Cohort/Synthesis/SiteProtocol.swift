import Imaging
import NIfTI

/// How one hospital scans and stores: everything about an image that is not the patient.
struct SiteProtocol: Sendable {
    /// How one contrast is acquired.
    struct Acquisition: Sendable {
        var sequence: PulseSequence
        /// Where each axis of the file points, such as `LPS`.
        var orientation: String
        /// Voxel sizes along the file's axes in millimetres.
        var spacing: SIMD3<Double>
        /// Probability that the contrast was not acquired.
        var missing: Double
    }

    /// What a protocol is built for.
    enum Style: Sendable, CaseIterable {
        /// Isotropic volumes of all contrasts on one grid.
        case research
        /// Thick slices, a plane and a matrix per contrast.
        case clinical
        /// Isotropic T1, thick T2 and FLAIR.
        case mixed
    }

    let field: FieldStrength
    /// The scanner's name in the manifest.
    let scanner: String
    /// By channel.
    let acquisitions: [Acquisition]
    /// Largest relative change of sensitivity over the head.
    let bias: Float
    /// White matter's signal over the noise's deviation.
    let signalToNoise: Double
    /// Stored value of white matter in T1w.
    let gain: Double
    let datatype: NIfTIDatatype
    /// Angles in degrees by which slices are turned against the scanner.
    let tilt: SIMD3<Double>
    /// Relative frequency of each pathology, in the order of `Pathology.allCases`.
    let shares: [Double]

    /// - Parameters:
    ///   - index: from 0; neighbours differ in style and field.
    ///   - spacing: the finest voxel in millimetres.
    ///   - offset: turns the order of styles by the cohort's seed.
    init(index: Int, offset: Int, spacing: Double, random: RandomStream) {
        var draw = random.fork("site", index)
        let style = Style.allCases[(index + offset) % Style.allCases.count]
        field = (index + offset) % 2 == 0 ? .high : .low
        scanner = "scanner-\(index + 1)"
        tilt = style == .clinical ? SIMD3(draw.uniform(-9, -3), 0, draw.uniform(-2, 2)) : .zero
        bias = Float(draw.uniform(0.08, 0.3))
        signalToNoise = style == .research ? draw.uniform(22, 35) : draw.uniform(14, 26)
        datatype = draw.pick([.int16, .uint16, .int16, .float32, .uint8])
        gain = datatype == .uint8 ? draw.uniform(55, 70) : draw.uniform(250, 900)
        acquisitions = Self.acquisitions(style, field, spacing, &draw)
        let base = [0.34, 0.26, 0.20, 0.20]
        shares = base.map { $0 * draw.uniform(0.8, 1.25) }
    }

    private static func acquisitions(
        _ style: Style, _ field: FieldStrength, _ spacing: Double, _ draw: inout RandomStream
    ) -> [Acquisition] {
        let isotropic = draw.pick(["RAS", "LAS", "LPS", "PSR", "ASL"])
        let axial = draw.pick(["LPS", "RAS", "LAS"])
        let common = SIMD3(repeating: spacing)
        let rarelyMissing = draw.uniform(0, 0.06)
        let oftenMissing = draw.below(4)
        let sequences = self.sequences(volumetric: style != .clinical, field, &draw)
        return Contrast.allCases.map { contrast in
            let missing = contrast.channel == oftenMissing ? draw.uniform(0.12, 0.35) : rarelyMissing
            let isVolume = style == .research || (style == .mixed && contrast <= .t1c)
            guard !isVolume else {
                return Acquisition(
                    sequence: sequences[contrast.channel], orientation: isotropic, spacing: common, missing: missing)
            }
            let plane = contrast == .t1w && draw.chance(0.5) ? (axial == "LAS" ? "PSR" : "PSL") : axial
            let inPlane = spacing * draw.pick([0.8, 0.9, 1, 1.1])
            let slices = draw.pick([3.5, 4, 5, 5.5])
            return Acquisition(
                sequence: sequences[contrast.channel], orientation: plane,
                spacing: SIMD3(inPlane, inPlane, max(slices, spacing)), missing: missing)
        }
    }

    /// Timings in the usual clinical ranges.
    private static func sequences(
        volumetric: Bool, _ field: FieldStrength, _ draw: inout RandomStream
    ) -> [PulseSequence] {
        let t1: PulseSequence =
            volumetric
            ? .gradientEcho(
                repetition: draw.uniform(8, 22), echo: draw.uniform(2.2, 4.5), flip: draw.uniform(18, 26))
            : .spinEcho(repetition: draw.uniform(420, 650), echo: draw.uniform(9, 15))
        let repetition = draw.uniform(8000, 10000)
        let fluid = RelaxationTable.literature(.fluid, at: field).t1
        return [
            t1, t1,
            .spinEcho(repetition: draw.uniform(3500, 5500), echo: draw.uniform(85, 110)),
            .inversionRecovery(
                repetition: repetition, echo: draw.uniform(100, 130),
                inversion: PulseSequence.nullingInversion(t1: fluid, repetition: repetition) * draw.uniform(0.96, 1.03)),
        ]
    }
}
