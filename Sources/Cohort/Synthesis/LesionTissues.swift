/// What a tumour and its surroundings are made of: each part's relaxation at 1.5 T and the contrast agent it takes up.
///
/// The ranges follow Just and Thelen, Radiology 1988;169:779 (T1, T2 and density of 160 brain tumours: wide, and
/// overlapping between kinds); the pattern of long T1 and long T2 that gives the T2–FLAIR mismatch of IDH-mutant
/// astrocytoma is that of Patel et al., Clinical Cancer Research 2017;23:6078.
struct LesionTissues: Sendable {
    /// One part: relaxation at 1.5 T, and agent in mmol/L.
    struct Part: Sendable {
        var relaxation: Relaxation
        var agent: Double

        init(t1: Double, t2: Double, density: Double, agent: Double = 0) {
            relaxation = Relaxation(t1: t1, t2: t2, density: density)
            self.agent = agent
        }

        /// The relaxation at a field. Chosen: from 1.5 to 3 T, tumour T1 grows by a quarter and T2 falls by 6 %, in the
        /// direction of grey matter in `RelaxationTable.literature`.
        func relaxation(at field: FieldStrength) -> Relaxation {
            guard field == .high else { return relaxation }
            return Relaxation(
                t1: min(relaxation.t1 * 1.25, 4200), t2: relaxation.t2 * 0.94, density: relaxation.density)
        }
    }

    /// The living bulk.
    var solid: Part
    /// The shell about the core, where there is one.
    var rim: Part
    /// The middle: necrosis, cyst, chalk, or the long-T1 tissue of a mismatch.
    var core: Part
    /// Swollen white matter about the tumour.
    var oedema: Part
    /// A nodule within.
    var nodule: Part
}
