import Cohort
import Testing

/// The signal equations against numbers computed by NumPy 2 from the same formulas with its own exponential and sine.
struct SynthesisPhysicsTests {
    static let white = Relaxation(t1: 838, t2: 69, density: 0.65)
    static let grey = Relaxation(t1: 1607, t2: 99, density: 0.78)
    static let fluid = Relaxation(t1: 4300, t2: 1600, density: 0.97)

    @Test(
        "Spin echo, inversion recovery and gradient echo give the signals of their equations",
        arguments: [
            (
                PulseSequence.spinEcho(repetition: 500, echo: 12),
                [0.24545401143228554, 0.1847542450856409, 0.10568443625029254]
            ),
            (
                .inversionRecovery(repetition: 9000, echo: 120, inversion: 2475),
                [0.10227819661085165, 0.13345634904137488, 0.0012975433674445901]
            ),
            (
                .gradientEcho(repetition: 10, echo: 3, flip: 20),
                [0.03383292275783859, 0.023551378277485775, 0.012285978325927099]
            ),
        ])
    func signals(sequence: PulseSequence, expected: [Double]) {
        for (tissue, value) in zip([Self.white, Self.grey, Self.fluid], expected) {
            #expect(abs(sequence.signal(of: tissue) - value) < 1e-12 * value + 1e-15)
        }
    }

    @Test("The nulling inversion time of fluid leaves no signal of it")
    func nulling() {
        let time = PulseSequence.nullingInversion(t1: 4300, repetition: 9000)
        #expect(abs(time - 2480.515832049458) < 1e-9)
        let flair = PulseSequence.inversionRecovery(repetition: 9000, echo: 120, inversion: time)
        #expect(flair.signal(of: Self.fluid) < 1e-12)
    }

    @Test("Contrast agent brightens T1 weighting: 0.5 mmol/L shortens T1 of 1607 ms to 321.6 ms at 3 T")
    func agent() {
        let enhanced = Self.grey.with(agent: 0.5, at: .high)
        #expect(abs(enhanced.t1 - 1 / (1 / 1607.0 + 0.002485)) < 1e-9)
        let sequence = PulseSequence.spinEcho(repetition: 500, echo: 12)
        #expect(sequence.signal(of: enhanced) > 2 * sequence.signal(of: Self.grey))
    }
}
