package import Cohort
package import Compute
package import Encoder
import Weights

/// What a model says of labelled cases.
package struct CaseScores: Sendable, Equatable {
    /// For each case one a class.
    package let logits: [[Float]]
    /// The class of each case.
    package let labels: [Int]

    package init(logits: [[Float]], labels: [Int]) {
        self.logits = logits
        self.labels = labels
    }

    /// For each case one a class.
    package var probabilities: [[Double]] { logits.map { CrossEntropy.softmax($0[...]) } }

    /// Runs a model over cases, one at a time.
    ///
    /// - Parameters:
    ///   - load: prepares a case.
    ///   - progress: told the number of cases done; the scoring ends when it returns false.
    /// - Returns: nil when it was ended.
    /// - Throws: one sentence: the machine's memory, a case that cannot be prepared, a score that is no number.
    package static func of(
        _ model: ModelFile, cases: [LabelledCase], load: (CaseRecord) throws -> EncoderInput, precision: Precision,
        threads: Int?, progress: (Int) -> Bool = { _ in true }
    ) throws -> CaseScores? {
        let configuration = model.description.configuration
        guard let head = configuration.head else {
            throw EncoderError(.input, "\(model.file.path) is an encoder without a head and cannot be evaluated")
        }
        let network = try model.inferenceNetwork(precision: precision, threads: threads)
        var logits: [[Float]] = []
        for labelled in cases {
            let input = try load(labelled.record)
            guard input.voxels.count == configuration.encoder.imageValues, labelled.label < head.classes else {
                throw TrainingError(
                    .data, "\(labelled.record.name) does not fit the model \(model.file.path): check the plan's recipe")
            }
            let scores = try network.classify(input.voxels, count: 1, present: [input.present])
            guard scores.allSatisfy(\.isFinite) else {
                throw TrainingError(.notFinite, "\(model.file.path) gives no finite score: the model is damaged")
            }
            logits.append(scores)
            guard progress(logits.count) else { return nil }
        }
        return CaseScores(logits: logits, labels: cases.map(\.label))
    }
}
