/// Magnetic properties of one tissue at one field strength.
package struct Relaxation: Sendable, Equatable {
    /// Longitudinal relaxation time in milliseconds.
    package var t1: Double
    /// Transverse relaxation time in milliseconds.
    package var t2: Double
    /// Proton density relative to water, 0...1.
    package var density: Double

    package init(t1: Double, t2: Double, density: Double) {
        self.t1 = t1
        self.t2 = t2
        self.density = density
    }

    /// With a concentration of contrast agent in mmol/L: 1/T = 1/T₀ + r·c.
    ///
    /// Relaxivities of gadobutrol in human plasma at 37 °C: r1 4.78 (1.5 T) and 4.97 (3 T) L/(mmol·s), Szomolanyi et al.,
    /// Investigative Radiology 2019;54:559. r2 is chosen as 1.25 times r1.
    package func with(agent concentration: Double, at field: FieldStrength) -> Relaxation {
        let r1 = field == .high ? 4.97e-3 : 4.78e-3
        return Relaxation(
            t1: 1 / (1 / t1 + r1 * concentration), t2: 1 / (1 / t2 + 1.25 * r1 * concentration), density: density)
    }

    /// A mixture of two tissues by volume, taken as one compartment: rates and densities add.
    func mixed(with other: Relaxation, _ fraction: Double) -> Relaxation {
        func rate(_ a: Double, _ b: Double) -> Double { 1 / ((1 - fraction) / a + fraction / b) }
        return Relaxation(
            t1: rate(t1, other.t1), t2: rate(t2, other.t2), density: density + (other.density - density) * fraction)
    }
}

/// The field of the scanner's magnet.
package enum FieldStrength: String, Sendable {
    case low = "1.5"
    case high = "3"
}

/// The tissues of the healthy and the ageing brain.
enum Tissue: Int, CaseIterable, Sendable {
    case fluid, grey, white, deepGrey, cerebellar, vessel, gliosis
}

/// What each tissue is at a field strength.
///
/// T1 of white matter, cortex and putamen: Wright et al., MAGMA 2008;21:121 (646, 1197, 1084 ms at 1.5 T; 838, 1607,
/// 1332 ms at 3 T). T2 of white and grey matter: Stanisz et al., Magnetic Resonance in Medicine 2005;54:507 (72, 95 ms at
/// 1.5 T; 69, 99 ms at 3 T). Fluid: T1 as of water at body temperature at both fields, Rooney et al., Magnetic Resonance
/// in Medicine 2007;57:308. Densities of fluid, grey and white matter (0.97, 0.78, 0.65): water content of Ernst et al.,
/// Journal of Magnetic Resonance B 1993;102:1.
///
/// Chosen, without a source: T2 of fluid and of deep grey matter, the density of deep grey matter, and all of cerebellar
/// cortex, vessels and gliosis (white-matter hyperintensity), which lies between white matter and fluid.
struct RelaxationTable: Sendable {
    let low: [Relaxation]
    let high: [Relaxation]

    func callAsFunction(_ tissue: Tissue, at field: FieldStrength) -> Relaxation {
        field == .high ? high[tissue.rawValue] : low[tissue.rawValue]
    }

    /// Those of the literature, each tissue off by up to a tenth: another scanner park, another population.
    static let shifted = RelaxationTable(low: shift(literature.low), high: shift(literature.high))

    private static func shift(_ tissues: [Relaxation]) -> [Relaxation] {
        // T1, T2 and density of each tissue in the order of `Tissue`.
        let factors = [
            (1.0, 0.92, 1.0), (0.93, 1.06, 1.02), (1.08, 0.95, 0.97), (0.95, 1.08, 1.0), (1.06, 0.94, 1.02),
            (1.04, 1.05, 0.98), (0.94, 1.07, 1.0),
        ]
        return zip(tissues, factors).map { tissue, factor in
            Relaxation(t1: tissue.t1 * factor.0, t2: tissue.t2 * factor.1, density: min(tissue.density * factor.2, 1))
        }
    }

    /// The values of the papers above and those chosen, in the order of `Tissue`.
    static let literature = RelaxationTable(
        low: [
            Relaxation(t1: 4300, t2: 1800, density: 0.97),
            Relaxation(t1: 1197, t2: 95, density: 0.78),
            Relaxation(t1: 646, t2: 72, density: 0.65),
            Relaxation(t1: 1084, t2: 84, density: 0.76),
            Relaxation(t1: 980, t2: 86, density: 0.74),
            Relaxation(t1: 1450, t2: 130, density: 0.80),
            Relaxation(t1: 1050, t2: 125, density: 0.76),
        ],
        high: [
            Relaxation(t1: 4300, t2: 1600, density: 0.97),
            Relaxation(t1: 1607, t2: 99, density: 0.78),
            Relaxation(t1: 838, t2: 69, density: 0.65),
            Relaxation(t1: 1332, t2: 76, density: 0.76),
            Relaxation(t1: 1280, t2: 86, density: 0.74),
            Relaxation(t1: 1650, t2: 110, density: 0.80),
            Relaxation(t1: 1330, t2: 120, density: 0.76),
        ])
}
