import Imaging
import Statistics

/// A logistic regression on ``TrivialFeatures``, cross-validated by patient. Where it predicts the label, the label can
/// be told from how the pictures were taken, and a network will learn that instead of the disease.
package struct TrivialModel: Sendable, Codable {
    /// How well one class is told from the others by cases the model has not seen.
    package struct Class: Sendable, Codable {
        package var name: String
        package var cases: Int
        /// Area under the ROC curve of the predictions for patients left out, 0…1.
        package var auc: Double
        /// 95 % confidence interval (DeLong).
        package var lower: Double
        package var upper: Double
    }

    package var column: String
    /// Cases with a label that could be read.
    package var cases: Int
    /// The positive class of two, or each of several against the rest; empty when there are too few cases.
    package var classes: [Class]
    /// The single feature that tells most, and its AUC for the class it tells best, 0.5…1.
    package var strongest: String?
    package var strongestAUC: Double?

    /// An AUC from which the label counts as predicted…
    package static let shortcutAUC = 0.75
    /// …if its interval lies above chance.
    package static let chance = 0.5
    /// Cases needed in a class and outside it.
    package static let fewest = 5
    private static let folds = 5

    /// Whether the cohort has a shortcut.
    package var isShortcut: Bool { classes.contains(where: Self.isPredicted) }

    private static func isPredicted(_ found: Class) -> Bool { found.auc >= shortcutAUC && found.lower > chance }

    /// One sentence for a person.
    package var sentence: String {
        guard let best = classes.max(by: { $0.auc < $1.auc }) else {
            return
                "\(column): needs \(Self.fewest) readable cases of a class and as many of the others; not judged."
        }
        let facts = "AUC \(best.auc.hundredths) (95 % interval \(best.lower.hundredths) to \(best.upper.hundredths))"
        if isShortcut {
            let clue =
                strongest.map { "; the strongest single clue is \($0), AUC \((strongestAUC ?? 0).hundredths)" } ?? ""
            return
                "\(column): the cohort has a shortcut, \(facts) from presence, spacing, volume and intensity alone\(clue)."
        }
        let doubt = best.upper >= Self.shortcutAUC ? "; \(cases) cases are too few to rule one out" : ""
        return "\(column): no shortcut found, \(facts) from presence, spacing, volume and intensity alone\(doubt)."
    }

    /// - Returns: nil for a task of fewer than two classes.
    init?(manifest: Manifest, reports: [CaseReport], task: LabelTask) {
        guard task.classes.count > 1 else { return nil }
        column = task.column
        let chosen = manifest.cases.indices.filter { index in
            manifest.cases[index].labels[task.column] != nil && !reports[index].contrasts.isEmpty
        }
        let features = TrivialFeatures.table(chosen.map { reports[$0] })
        let labels = chosen.map { manifest.cases[$0].labels[task.column] ?? "" }
        let patients = chosen.map { manifest.cases[$0].patient }
        cases = chosen.count
        classes = []
        // Of two classes one says it all.
        for name in task.classes.count == 2 ? Array(task.classes.suffix(1)) : task.classes {
            let truth = labels.map { $0 == name }
            let positives = truth.count { $0 }
            guard positives >= Self.fewest, truth.count - positives >= Self.fewest,
                let scores = CrossValidation.scores(
                    features: features, labels: truth, groups: patients, folds: Self.folds,
                    fit: { LogisticRegression(features: $0, labels: $1)?.probability }),
                let found = DeLong.estimate(labels: truth, scores: scores)
            else { continue }
            // Scores that are all tied say nothing.
            let interval = found.interval ?? 0...1
            classes.append(
                Class(
                    name: name, cases: positives, auc: found.area, lower: interval.lowerBound,
                    upper: interval.upperBound))
            for (index, feature) in TrivialFeatures.names.enumerated() {
                let single = ROC(labels: truth, scores: features.map { $0[index] }).area ?? Self.chance
                let strength = max(single, 1 - single)
                if strength > strongestAUC ?? Self.chance { (strongest, strongestAUC) = (feature, strength) }
            }
        }
    }
}
