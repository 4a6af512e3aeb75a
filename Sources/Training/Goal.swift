import Cohort
package import Encoder

/// What training is for: how passes are made of cases, and how the network's outputs become a loss.
package enum Goal: Sendable {
    /// The classes of a task, by its loss with its class weights.
    case classification(CrossEntropy)
    /// Two views of a case with content taken out, the first to be restored, both to agree (LAMIM §6).
    case restoration(ContentDropout.Scheme)

    /// Whether a parameter has a gradient by this goal.
    package func reaches(_ name: String) -> Bool {
        switch self {
        case .classification: !Trainable.decoderOnly(name)
        case .restoration: !ParameterLayout.isHead(name)
        }
    }

    /// Volumes the network sees of a case at once.
    package var views: Int {
        switch self {
        case .classification: 1
        case .restoration: 2
        }
    }

    /// Whether volumes come out of it.
    package var decodes: Bool {
        switch self {
        case .classification: false
        case .restoration: true
        }
    }

    /// Makes the passes of an epoch, on the thread that loads them.
    /// - Parameter seed: with the epoch and the case it decides what is drawn.
    func maker(
        _ cases: FitCases, seed: UInt64, epoch: Int, augmentation: Augmentation
    ) -> @Sendable ([Sample]) throws -> MicroBatch {
        { samples in
            let whole = try MicroBatch.images(of: samples, from: cases)
                .augmented(by: augmentation, cases, seed: seed, epoch: epoch)
            switch self {
            case .classification: return whole
            case .restoration(let scheme):
                return whole.views(by: scheme, cases, seed: seed, name: "epoch \(epoch)")
            }
        }
    }
}
