import Foundation

/// Predictions of a manifest's cases: the content of `predictions.csv`.
package struct PredictionTable: Sendable {
    package struct Row: Sendable {
        package let prediction: Prediction
        /// In the order of the classes.
        package let probabilities: [Double]
        /// As the manifest has it; nil where it is silent.
        package let label: String?

        package init(prediction: Prediction, probabilities: [Double], label: String?) {
            self.prediction = prediction
            self.probabilities = probabilities
            self.label = label
        }
    }
    private let classes: [String]
    private let rows: [Row]
    private let threshold: Double

    package init(classes: [String], rows: [Row], threshold: Double) {
        self.classes = classes
        self.rows = rows
        self.threshold = threshold
    }

    /// `case,label,predicted,` then the probability of each class.
    package var csv: String {
        let header = ["case", "label", "predicted"] + classes.map { "probability \($0)" }
        let lines = rows.map { row in
            [row.prediction.case, row.label ?? "", row.prediction.predicted ?? ""]
                + row.probabilities.map { String(format: "%.6f", $0) }
        }
        return ([header] + lines).map { $0.map(Self.field).joined(separator: ",") }.joined(separator: "\n") + "\n"
    }

    /// How well the predictions that were given agree with the labels there are; nil where there is no label. Cases left
    /// without an answer are counted and have no other part in it.
    /// - Throws: ``TrainingError`` naming a case whose label the model does not know.
    package func evaluation() throws(TrainingError) -> Evaluation? {
        var labels: [Int] = []
        var probabilities: [[Double]] = []
        var withheld = 0
        for row in rows {
            guard let label = row.label else { continue }
            guard let index = classes.firstIndex(of: label) else {
                throw TrainingError(
                    .data,
                    "Case \(row.prediction.case) has the label \(label), which the model does not know "
                        + "(\(classes.joined(separator: ", "))): correct the manifest or use the model made for it")
            }
            guard row.prediction.predicted != nil else {
                withheld += 1
                continue
            }
            labels.append(index)
            probabilities.append(row.probabilities)
        }
        guard !labels.isEmpty || withheld > 0 else { return nil }
        var evaluation = Evaluation(probabilities: probabilities, labels: labels, threshold: threshold)
        if withheld > 0 { evaluation.withheld = withheld }
        return evaluation
    }

    private static func field(_ text: String) -> String {
        guard text.contains(where: { ",\"\n\r".contains($0) }) else { return text }
        return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
    }
}
