/// What the training cases of a model are like, as sums over many of them, and whether a case is like them: by the
/// encoder's features, brought to a few dimensions, and by as many numbers of the images themselves.
package struct Familiarity: Codable, Sendable, Equatable {
    /// SHA-256 of the model the features are of.
    package var model: String
    /// Of the projection of features.
    package var seed: UInt64
    /// Which numbers of images are summed: sums of others than this program's are not used.
    package var numbers = currentNumbers
    package private(set) var features: MomentSums
    /// Of the first numbers of images; cases that lack one are left out.
    package private(set) var images: MomentSums
    /// Where the sums are of several sites.
    package private(set) var between: Between?
    /// Where the model began as one that was pretrained, at one site.
    package private(set) var restoration: Restoration?

    /// How far off the pretrained model is that restores what is hidden of a case.
    package struct Restoration: Codable, Sendable, Equatable {
        /// SHA-256 of that model.
        package let model: String
        /// Of the errors' logarithms.
        package fileprivate(set) var errors: MomentSums

        fileprivate var isWhole: Bool { errors.isWhole && errors.dimensions == 1 }

        /// Of a training case to have an error as large, or larger.
        /// - Parameter error: the logarithm of a case's error.
        /// - Returns: nil where the sums are of too few cases.
        package func judge(_ error: Double) -> (probability: Double, deviations: Double)? {
            guard let spread = ShrunkGaussian(errors), let deviations = spread.standardised([error])[0] else {
                return nil
            }
            let onEitherSide = spread.probability([error])
            return (deviations > 0 ? onEitherSide / 2 : 1, deviations)
        }
    }

    /// How far sites differ from one another.
    package struct Between: Codable, Sendable, Equatable {
        /// How many were summed; nil in what was summed before this was kept.
        package let sites: Int?
        /// What squared distances of features are divided by, 1 or more; see ``ShrunkGaussian/inflation(_:)``.
        package let features: Double
        /// The same of images.
        package let images: Double
        /// Of each number of images at a site that is not among those summed; see ``MomentSums/deviations(atAnother:)``.
        package let deviations: [Double]?

        fileprivate func isWhole(_ dimensions: Int) -> Bool {
            [features, images].allSatisfy { $0.isFinite && $0 >= 1 }
                && (deviations ?? []).allSatisfy { $0.isFinite && $0 > 0 }
                && deviations?.count ?? dimensions == dimensions
        }
    }

    package static let standardSeed: UInt64 = 1
    /// Counts up when what the numbers of images are changes.
    package static let currentNumbers = 1
    /// Most dimensions of either: more would ask for more cases.
    package static let mostDimensions = 16
    /// A case farther out than these shares of the training cases is called unlike them: features, which tell less and
    /// have longer tails than a normal distribution, are given a hundredth of what images are.
    package static let imageLevel = 0.01
    package static let featureLevel = 0.0001
    package static let restorationLevel = 0.001

    /// Nothing yet.
    /// - Parameter restorer: digest of the pretrained model, where errors of it are to be summed too.
    package init(model: String, seed: UInt64 = standardSeed, dimensions: Int, restorer: String? = nil) {
        self.model = model
        self.seed = seed
        restoration = restorer.map { Restoration(model: $0, errors: MomentSums(dimensions: 1)) }
        features = MomentSums(dimensions: dimensions)
        images = MomentSums(dimensions: dimensions)
    }

    /// The sums of several sites together.
    /// - Returns: nil for none, or where they are of different models, projections or dimensions. Errors of restoration are
    ///   one site's and are left out of several.
    package init?(_ sites: [Familiarity]) {
        guard let first = sites.first,
            sites.allSatisfy({
                $0.isWhole && $0.model == first.model && $0.seed == first.seed && $0.dimensions == first.dimensions
            })
        else { return nil }
        self = first
        for site in sites.dropFirst() {
            features.add(site.features)
            images.add(site.images)
        }
        guard sites.count > 1 else { return }
        restoration = nil
        let deviations = MomentSums.deviations(atAnother: sites.map(\.images))
        between = Between(
            sites: sites.count, features: ShrunkGaussian.inflation(sites.map(\.features)),
            images: ShrunkGaussian.inflation(sites.map(\.images)),
            // A number that never changes is no measure; ``judge(features:images:)`` then has none of the images.
            deviations: deviations.flatMap { $0.contains(0) ? nil : $0 })
    }

    package var dimensions: Int { features.dimensions }

    /// Whether the sums can be used.
    package var isWhole: Bool {
        numbers == Self.currentNumbers && features.isWhole && (1...Self.mostDimensions).contains(dimensions)
            && images.dimensions == dimensions && (images.count == 0 || images.isWhole) && seed < 1 << 53
            && between?.isWhole(dimensions) ?? true && restoration?.isWhole ?? true
    }

    /// Whether both sums are in so many dimensions and of ten cases for each: fewer tell nothing, and too much of each.
    package func isEnough(for dimensions: Int) -> Bool {
        let least = MomentSums.casesPerDimension * dimensions
        return self.dimensions == dimensions && features.count >= least && images.count >= least
    }

    /// Dimensions that so many cases allow: at most 16; 0 for too few.
    package static func dimensions(cases: Int) -> Int { min(cases / MomentSums.casesPerDimension, mostDimensions) }

    /// Takes in a training case.
    /// - Parameters:
    ///   - images: at least as many as there are dimensions; nil where a contrast is missing.
    ///   - restoration: the logarithm of the error; nil where it is not known.
    package mutating func add(features: [Double], images: [Double?], restoration: Double? = nil) {
        self.features.add(features)
        if let restoration, restoration.isFinite { self.restoration?.errors.add([restoration]) }
        let known = images.prefix(dimensions).compactMap { $0?.isFinite == true ? $0 : nil }
        if known.count == dimensions { self.images.add(known) }
    }

    /// What numbers of images are like; nil where the sums are of too few cases.
    package var imageSpread: ShrunkGaussian? { ShrunkGaussian(images, inflation: between?.images ?? 1) }
    /// The same of features.
    package var featureSpread: ShrunkGaussian? { ShrunkGaussian(features, inflation: between?.features ?? 1) }

    /// What is said of a case.
    package struct Verdict: Sendable, Equatable {
        /// Of a training case to lie so far out by images or, a hundred times that, by features or, ten times that, by its
        /// error of restoration: the smallest.
        package var probability: Double
        /// Whether the images are unlike the training cases': how many deviations each number lies from their mean.
        package var unlikeImages: [Double?]?
        /// Whether the features are.
        package var areFeaturesUnlike: Bool
        /// Whether what is hidden of it is restored worse: how many deviations the error lies above the training cases' mean.
        package var unlikeRestoration: Double?
    }

    /// Judges a case.
    /// - Returns: nil where the sums are of too few cases.
    package func judge(features: [Double], images: [Double?], restoration error: Double? = nil) -> Verdict? {
        let values = Array(images.prefix(dimensions))
        let byImages = judge(images: values)
        let byFeatures = featureSpread?.probability(features.map { $0 })
        let byRestoration = error.flatMap { restoration?.judge($0) }
        func weighed(_ probability: Double?, _ level: Double) -> Double? {
            probability.map { min($0 * Self.imageLevel / level, 1) }
        }
        let all = [
            byImages?.probability, weighed(byFeatures, Self.featureLevel),
            weighed(byRestoration?.probability, Self.restorationLevel),
        ]
        guard let probability = all.compactMap({ $0 }).min() else { return nil }
        let isUnlike = byImages.map { $0.probability < Self.imageLevel } ?? false
        return Verdict(
            probability: probability, unlikeImages: isUnlike ? byImages?.standardised : nil,
            areFeaturesUnlike: byFeatures.map { $0 < Self.featureLevel } ?? false,
            unlikeRestoration: byRestoration.flatMap { $0.probability < Self.restorationLevel ? $0.deviations : nil })
    }

    /// By all numbers together, and by each of the first four alone, of which a sum of sixteen squares tells little: what
    /// brain it is, and what contrast agent and noise do to any scan. The smallest probability times their number.
    private func judge(images values: [Double?]) -> (probability: Double, standardised: [Double?])? {
        guard let spread = imageSpread else { return nil }
        let standardised = spread.standardised(values, deviations: between?.deviations)
        let student = StudentDistribution(freedom: Double(images.count - 1))
        let alone = standardised.prefix(4).compactMap { $0 }.filter(\.isFinite).map { student.twoSided($0) }
        let probability = alone.reduce(spread.probability(values), min)
        return (min(Double(1 + alone.count) * probability, 1), standardised)
    }
}
