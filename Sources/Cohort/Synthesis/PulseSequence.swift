/// A pulse sequence with its timing in milliseconds, and the signal a tissue gives in it.
///
/// The equations are those of Bernstein, King and Zhou, Handbook of MRI Pulse Sequences (2004).
package enum PulseSequence: Sendable, Equatable {
    /// Spin echo: ρ (1 − e^(−TR/T1)) e^(−TE/T2).
    case spinEcho(repetition: Double, echo: Double)
    /// Inversion recovery with a long-echo readout, magnitude; T2-FLAIR when the inversion time nulls fluid:
    /// ρ |1 − 2 e^(−TI/T1) + e^(−TR/T1)| e^(−TE/T2).
    case inversionRecovery(repetition: Double, echo: Double, inversion: Double)
    /// Spoiled gradient echo of flip angle α in degrees: ρ sin α (1 − E1) / (1 − cos α E1) e^(−TE/T2*), with T2* chosen as T2/2.
    case gradientEcho(repetition: Double, echo: Double, flip: Double)

    /// The signal of a tissue, relative to fully relaxed water; 0...1.
    package func signal(of tissue: Relaxation) -> Double {
        switch self {
        case .spinEcho(let repetition, let echo):
            return tissue.density * (1 - PortableMath.exp(-repetition / tissue.t1))
                * PortableMath.exp(-echo / tissue.t2)
        case .inversionRecovery(let repetition, let echo, let inversion):
            let recovered =
                1 - 2 * PortableMath.exp(-inversion / tissue.t1) + PortableMath.exp(-repetition / tissue.t1)
            return tissue.density * abs(recovered) * PortableMath.exp(-echo / tissue.t2)
        case .gradientEcho(let repetition, let echo, let flip):
            let (sine, cosine) = PortableMath.sineAndCosine(flip * 0.017453292519943295)
            let decay = PortableMath.exp(-repetition / tissue.t1)
            return tissue.density * sine * (1 - decay) / (1 - cosine * decay)
                * PortableMath.exp(-2 * echo / tissue.t2)
        }
    }

    /// The same sequence as set up on another day: timings and angle off by a few parts in a hundred.
    func varied(_ draw: inout RandomStream) -> PulseSequence {
        func about(_ value: Double, _ deviation: Double) -> Double {
            value * draw.normal(mean: 1, deviation: deviation, in: 1 - 2.5 * deviation...1 + 2.5 * deviation)
        }
        return switch self {
        case .spinEcho(let repetition, let echo):
            .spinEcho(repetition: about(repetition, 0.1), echo: about(echo, 0.08))
        case .inversionRecovery(let repetition, let echo, let inversion):
            .inversionRecovery(repetition: repetition, echo: about(echo, 0.08), inversion: about(inversion, 0.02))
        case .gradientEcho(let repetition, let echo, let flip):
            .gradientEcho(repetition: about(repetition, 0.1), echo: about(echo, 0.08), flip: about(flip, 0.08))
        }
    }

    /// The inversion time that nulls a T1 at a repetition time: T1 (ln 2 − ln(1 + e^(−TR/T1))).
    package static func nullingInversion(t1: Double, repetition: Double) -> Double {
        t1 * (0.6931471805599453 - PortableMath.logarithm(1 + PortableMath.exp(-repetition / t1)))
    }
}
