/// What a site does with the base before it sends the difference.
///
/// Moments of the optimiser begin at nought each round; the schedule runs on the study's global step.
package struct LocalTraining: Codable, Sendable, Equatable {
    /// How long a round trains.
    package enum Length: Codable, Sendable, Equatable {
        /// Optimiser steps, the same at every site.
        case steps(Int)
        /// Passes over the site's training cases.
        case epochs(Int)
    }

    package enum Optimizer: Codable, Sendable, Equatable {
        case adam(beta1: Double, beta2: Double, epsilon: Double, decay: Double)
        case adamW(beta1: Double, beta2: Double, epsilon: Double, decay: Double)
        case sgd(momentum: Double, decay: Double)
    }

    /// How the rate goes on after the warm-up, over all rounds of the study.
    package enum Schedule: String, Codable, Sendable, CaseIterable { case cosine, constant }

    package enum Precision: String, Codable, Sendable, CaseIterable { case fp32, bf16 }

    package var length = Length.epochs(1)
    /// Cases of one pass, 1…1024.
    package var batch = 8
    /// Passes of one step, 1…4096.
    package var accumulate = 1
    package var optimizer = Optimizer.adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 1e-5)
    /// Highest rate.
    package var rate = 1e-4
    /// Global steps over which the rate rises.
    package var warmUp = 0
    package var schedule = Schedule.cosine
    /// Gradients longer than this are shortened to it; nil for never.
    package var clip: Double? = 1
    /// Patterns of parameters that train; empty for all but ``freeze``.
    package var trainable: [String] = []
    /// Patterns of parameters that stay as they are; `encoder` stands for all but the head.
    package var freeze: [String] = []
    /// What is done to training cases each time they are shown.
    package enum Augmentation: String, Codable, Sendable, CaseIterable {
        case flip, affine, intensity
        case biasField = "bias-field"
    }
    package var augment: [Augmentation] = []
    /// Chance, 0..<1, that a contrast is left out of a training case.
    package var dropContrasts = 0.1
    /// One weight a class, the same at every site; nil for equal weights.
    package var classWeights: [Double]?
    /// Nil for the site's own choice.
    package var precision: Precision?
    /// Nil for the site's own choice; a number where sums must be repeatable.
    package var threads: Int?

    package init() {}
}
