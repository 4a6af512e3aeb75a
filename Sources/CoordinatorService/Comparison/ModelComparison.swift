import Encoder
package import Statistics

/// Fitted models on the same labelled cases: each by itself, and each against the first. docs/statistics.md says how.
package struct ModelComparison: Codable, Sendable, Equatable {
    /// A figure and its 95 % interval, where there is one.
    package struct Figure: Codable, Sendable, Equatable {
        package var value: Double
        package var interval: [Double]?

        init(_ value: Double, _ interval: ClosedRange<Double>? = nil) {
            self.value = value
            self.interval = interval?.ends
        }
    }

    package struct Model: Codable, Sendable, Equatable {
        package var name: String
        package var digest: String
        /// Only cases of one site are compared: the primary figure. With one site it is that site's area.
        package var stratifiedArea: Figure?
        /// All cases together, those of a patient counted together; of several sites it mixes in prevalence.
        package var pooledArea: Figure?
        /// Cases at or above it are called positive.
        package var threshold: Double
        /// `select, sensitivity 0.9` or `0.5`: how it was chosen.
        package var thresholdFrom: String
        package var counts: ConfusionCounts
        package var sensitivity: Figure?
        package var specificity: Figure?
        package var accuracy: Figure?
        package var f1: Double?
        package var matthewsCorrelation: Double?
        /// At the prevalence that was stated; absent without one.
        package var positivePredictive: Double?
        package var negativePredictive: Double?
        package var brier: Double?
        package var logLoss: Double?
        package var calibrationError: Double?
        package var calibrationSlope: Double?
        package var calibrationIntercept: Double?
        package var calibrationInTheLarge: Double?
        /// Chosen on the select split.
        package var temperature: Double?
    }

    /// A model against the first.
    package struct Contrast: Codable, Sendable, Equatable {
        package var name: String
        /// Change of the area within sites, paired, patients counted together: the primary one. Absent where no
        /// site has two patients of each class.
        package var change: Figure?
        package var p: Double?
        /// After Holm over all models compared.
        package var adjusted: Double?
        /// The same of all cases together.
        package var pooledChange: Figure?
        package var pooledP: Double?
        /// Exact McNemar of right and wrong calls; absent where patients have several cases.
        package var callsP: Double?
        /// Each site's change of its area, and all combined by random effects; absent with one site.
        package var sites: [Site]?
        package var combined: Combined?
    }

    package struct Site: Codable, Sendable, Equatable {
        package var site: String
        package var cases: Int
        package var change: Figure
        /// Share of the combined figure.
        package var weight: Double
    }

    package struct Combined: Codable, Sendable, Equatable {
        package var change: Figure
        package var p: Double?
        /// Variance of true changes between sites.
        package var between: Double
        package var inconsistency: Double
        package var prediction: [Double]?
    }

    package var task: String
    package var positive: String
    /// Cases of each class.
    package var cases: [Int]
    package var patients: Int
    package var sites: [String]
    package var prevalence: Double?
    package var models: [Model]
    package var contrasts: [Contrast]
    package var notice = ModelDescription.investigational

    /// - Parameters:
    ///   - sensitivity: the share of positive select cases that the threshold must find.
    ///   - prevalence: for predictive values; none without it.
    /// - Throws: ``OperatorError`` when there is one class only.
    package init(
        _ models: [ModelScores], on cases: ComparedCases, task: String, sensitivity: Double = 0.9,
        prevalence: Double? = nil
    ) throws(OperatorError) {
        try cases.requireBothClasses()
        self.task = task
        self.positive = cases.classes[cases.positive]
        self.cases = cases.classes.indices.map { index in cases.labels.count { $0 == index } }
        patients = Set(cases.patients).count
        sites = cases.siteNames
        self.prevalence = prevalence
        self.models = models.map { Model($0, cases, sensitivity: sensitivity, prevalence: prevalence) }
        var contrasts: [Contrast] = []
        if let first = models.first {
            for (index, other) in models.enumerated().dropFirst() {
                let thresholds = (self.models[0].threshold, self.models[index].threshold)
                contrasts.append(Contrast(first, other, thresholds, cases))
            }
        }
        for (index, adjusted) in Holm.adjusted(contrasts.map(\.p)).enumerated() { contrasts[index].adjusted = adjusted }
        self.contrasts = contrasts
    }
}

extension ModelComparison.Model {
    fileprivate init(_ model: ModelScores, _ cases: ComparedCases, sensitivity: Double, prevalence: Double?) {
        let positive = cases.isPositive
        name = model.name
        digest = model.digest
        func figure(_ estimate: DeLong.Estimate?) -> ModelComparison.Figure? {
            estimate.map { ModelComparison.Figure($0.area, $0.interval) }
        }
        stratifiedArea = figure(
            StratifiedArea.estimate(
                labels: positive, scores: model.probabilities, sites: cases.sites, patients: cases.patients))
        pooledArea = figure(
            ClusteredArea.estimate(labels: positive, scores: model.probabilities, patients: cases.patients))
        let choosing = cases.choosingLabels.map { $0 == cases.positive }
        if let chosen = ROC(labels: choosing, scores: model.choosing).threshold(sensitivity: sensitivity) {
            threshold = chosen
            thresholdFrom = "select, sensitivity \(sensitivity)"
        } else {
            threshold = 0.5
            thresholdFrom = "0.5, for there are no positive select cases"
        }
        counts = ConfusionCounts(labels: positive, scores: model.probabilities, threshold: threshold)
        func share(_ part: Int, _ whole: Int) -> ModelComparison.Figure? {
            whole > 0
                ? ModelComparison.Figure(
                    Double(part) / Double(whole), Proportion(successes: part, trials: whole).clopperPearson()) : nil
        }
        self.sensitivity = share(counts.truePositive, counts.positives)
        specificity = share(counts.trueNegative, counts.negatives)
        accuracy = share(counts.truePositive + counts.trueNegative, counts.total)
        f1 = counts.f1
        matthewsCorrelation = counts.matthewsCorrelation
        let predictive = prevalence.flatMap { counts.predictiveValues(prevalence: $0) }
        positivePredictive = predictive?.positive
        negativePredictive = predictive?.negative
        brier = Calibration.brier(labels: positive, probabilities: model.probabilities)
        logLoss = Calibration.logLoss(labels: positive, probabilities: model.probabilities)
        calibrationError = Calibration.expectedError(labels: positive, probabilities: model.probabilities)
        let line = CalibrationLine(labels: positive, probabilities: model.probabilities)
        calibrationSlope = line?.slope
        calibrationIntercept = line?.intercept
        calibrationInTheLarge = line?.inTheLarge
        temperature = TemperatureScaling.temperature(logits: model.choosingLogits, labels: cases.choosingLabels)
    }
}

extension ModelComparison.Contrast {
    fileprivate init(
        _ first: ModelScores, _ other: ModelScores, _ thresholds: (Double, Double), _ cases: ComparedCases
    ) {
        let positive = cases.isPositive
        let paired = StratifiedArea.compare(
            labels: positive, other.probabilities, first.probabilities, sites: cases.sites, patients: cases.patients)
        let pooled = ClusteredArea.compare(
            labels: positive, other.probabilities, first.probabilities, patients: cases.patients)
        name = other.name
        change = paired.map { ModelComparison.Figure($0.difference, $0.interval()) }
        p = paired?.p
        pooledChange = pooled.map { ModelComparison.Figure($0.difference, $0.interval()) }
        pooledP = pooled?.p
        if Set(cases.patients).count == cases.patients.count {
            func right(_ scores: [Double], _ threshold: Double) -> [Bool] {
                zip(scores, positive).map { ($0 >= threshold) == $1 }
            }
            callsP =
                McNemar(
                    first: right(first.probabilities, thresholds.0), second: right(other.probabilities, thresholds.1)
                ).p
        }
        let names = cases.siteNames
        guard names.count > 1 else { return }
        var found: [(name: String, cases: Int, comparison: DeLong.Comparison)] = []
        for name in names {
            let own = cases.sites.indices.filter { cases.sites[$0] == name }
            func pick<T>(_ values: [T]) -> [T] { own.map { values[$0] } }
            guard
                let comparison = ClusteredArea.compare(
                    labels: pick(positive), pick(other.probabilities), pick(first.probabilities),
                    patients: pick(cases.patients)), comparison.variance > 0
            else { continue }
            found.append((name, own.count, comparison))
        }
        let effects = found.map {
            RandomEffects.Site(effect: $0.comparison.difference, variance: $0.comparison.variance)
        }
        guard found.count > 1, let random = RandomEffects(effects) else { return }
        sites = zip(found, random.weights).map { one, weight in
            ModelComparison.Site(
                site: one.name, cases: one.cases,
                change: ModelComparison.Figure(one.comparison.difference, one.comparison.interval()),
                weight: weight)
        }
        combined = ModelComparison.Combined(
            change: ModelComparison.Figure(random.effect, random.interval), p: random.p, between: random.between,
            inconsistency: random.inconsistency, prediction: random.prediction?.ends)
    }
}
