import Encoder
package import Imaging

/// Everything a fit depends on beside the cases, the starting weights and the device.
package struct FitSettings: Codable, Sendable, Equatable {
    /// How much each class weighs in the loss.
    package enum ClassWeights: Codable, Sendable, Equatable {
        case none
        /// Cases / (classes × cases of the class), over the training split.
        case balanced
        case given([Float])
    }

    /// By what the best epoch is chosen on the select split.
    package enum Criterion: String, Codable, Sendable, CaseIterable { case auc, accuracy, loss }

    /// How the rate goes on after the warm-up.
    package enum Shape: String, Codable, Sendable, CaseIterable {
        /// Down to a hundredth of the rate at the last step.
        case cosine
        case constant
    }

    package var recipe: Recipe
    package var epochs: Int
    /// Cases of one pass through the network.
    package var batch: Int
    /// Passes of one step: a step learns from batch × accumulate cases.
    package var accumulate: Int
    package var optimizer: OptimizerRecipe
    package var rate: Float
    package var warmUp: Int
    package var shape: Shape
    /// Gradients longer than this are shortened to it; nil for never.
    package var clip: Double?
    /// Patterns of parameters that stay as they are; `encoder` stands for all but the head.
    package var freeze: [String]
    package var classWeights: ClassWeights
    /// The chance, 0..<1, that a contrast is left out of a training case, so that one model serves any subset.
    package var dropContrasts: Float
    /// What is done to training cases each time they are shown.
    package var augment: [Augmentation.Kind]
    package var select: Criterion
    package var seed: UInt64

    package init(
        recipe: Recipe, epochs: Int = 30, batch: Int = 8, accumulate: Int = 1, optimizer: OptimizerRecipe = .adamW(),
        rate: Float = 1e-4, warmUp: Int = 0, shape: Shape = .cosine, clip: Double? = 1, freeze: [String] = [],
        classWeights: ClassWeights = .balanced, dropContrasts: Float = 0.1, augment: [Augmentation.Kind] = [],
        select: Criterion = .auc, seed: UInt64 = 1
    ) {
        self.recipe = recipe
        self.epochs = epochs
        self.batch = batch
        self.accumulate = accumulate
        self.optimizer = optimizer
        self.rate = rate
        self.warmUp = warmUp
        self.shape = shape
        self.clip = clip
        self.freeze = freeze
        self.classWeights = classWeights
        self.dropContrasts = dropContrasts
        self.augment = augment
        self.select = select
        self.seed = seed
    }

    /// What must be the same for a training to be taken up again, by name: of that which any training has.
    var identity: [String: String] {
        [
            "recipe": recipe.summary, "epochs": "\(epochs)", "batch": "\(batch)", "accumulate": "\(accumulate)",
            "optimizer": "\(optimizer)", "rate": "\(rate)", "warm-up": "\(warmUp)", "schedule": shape.rawValue,
            "clip": clip.map { "\($0)" } ?? "none", "freeze": freeze.joined(separator: " "),
            "drop-contrasts": "\(dropContrasts)", "augment": augment.map(\.rawValue).joined(separator: " "),
        ]
    }

    /// What ``augment`` does to cases prepared by the recipe.
    package func augmentation() throws(TrainingError) -> Augmentation {
        try Augmentation(Set(augment), orientation: recipe.orientation)
    }

    /// Cases a step learns from.
    package var effectiveBatch: Int { batch * accumulate }

    /// Steps of an epoch over a number of cases; the last may be smaller.
    package func steps(cases: Int) -> Int { (cases + effectiveBatch - 1) / effectiveBatch }

    /// The rate of every step of the fit.
    package func schedule(cases: Int) -> Schedule {
        let total = epochs * steps(cases: cases)
        return switch shape {
        case .constant: Schedule(rate: rate, warmUp: warmUp)
        case .cosine:
            Schedule(
                rate: rate, warmUp: warmUp, shape: .cosine(period: max(total - 1 - warmUp, 1), minimum: rate / 100))
        }
    }

    /// Whether a parameter stays as it is.
    package func freezes(_ name: String) -> Bool {
        freeze.contains { pattern in
            pattern == "encoder" ? !ParameterLayout.isHead(name) : NamePattern(pattern).matches(name)
        }
    }

    /// Whether every number is in range.
    package func validate(classes: Int) throws(TrainingError) {
        func require(_ holds: Bool, _ what: String) throws(TrainingError) {
            guard holds else { throw TrainingError(.settings, what) }
        }
        try require((1...100_000).contains(epochs), "--epochs is \(epochs): choose 1 to 100000")
        try require((1...1024).contains(batch), "--batch is \(batch): choose 1 to 1024")
        try require((1...4096).contains(accumulate), "--accumulate is \(accumulate): choose 1 to 4096")
        try require(rate > 0 && rate <= 10, "--rate is \(rate): choose a number above 0, such as 1e-4")
        try require(warmUp >= 0, "--warm-up is \(warmUp): give a number of steps, 0 or more")
        try require(
            clip.map { $0 > 0 && $0.isFinite } ?? true, "--clip must be above 0; leave clipping off with `none`")
        try require(
            dropContrasts >= 0 && dropContrasts < 1, "--drop-contrasts is \(dropContrasts): choose 0 to below 1")
        if case .given(let weights) = classWeights {
            try require(
                weights.count == classes && weights.allSatisfy { $0 > 0 && $0.isFinite },
                "--class-weights gives \(weights.count) numbers for \(classes) classes: give one above 0 for each")
        }
    }
}
