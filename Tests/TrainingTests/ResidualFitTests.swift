import Cohort
import Compute
import Encoder
import Foundation
import Testing
import Training
import Weights

/// The comparator through the same fit.
@Suite struct ResidualFitTests {
    private let encoder = EncoderConfiguration(
        imageSize: 16, residual: ResidualStages(widths: [8, 16], blocks: [1, 1]))

    private func request(_ out: String) -> FitRequest {
        var request = SmallProblem.request(out) { $0.epochs = 6 }
        request.start = .configuration(encoder)
        return request
    }

    @Test("a residual network learns, is written, read and scored like any model; resumed it is the same")
    func fit() throws {
        let folder = try SmallProblem.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        guard
            case .finished(let metrics) = try Fit(request(folder + "/quiet"))
                .run(report: { _ in }, shouldStop: { false })
        else { throw CancellationError() }
        #expect(metrics.select?.auc == 1)
        let file = try ModelFile(folder + "/quiet/model.safetensors")
        #expect(file.description.configuration.encoder == encoder)
        #expect(file.file.tensor("stages.1.0.shortcut.weight")?.shape == [16, 1, 1, 1, 8])
        let test = SmallProblem.cases().filter { $0.split == .test }
        let scores = try CaseScores.of(
            file, cases: test, load: { SmallProblem.load($0) }, precision: .fp32, threads: 1)
        #expect(scores?.labels.count == test.count)
        var asked = 0
        _ = try Fit(request(folder + "/resumed")).run(
            report: { _ in },
            shouldStop: {
                asked += 1
                return asked > 40
            })
        _ = try Fit(request(folder + "/resumed")).run(report: { _ in }, shouldStop: { false })
        #expect(
            try Data(contentsOf: URL(filePath: folder + "/resumed/model.safetensors"))
                == Data(contentsOf: URL(filePath: folder + "/quiet/model.safetensors")))
    }

    @Test("the comparators have 9.2 and 0.2 million parameters; they cannot be pretrained, and odd stages are refused")
    func shapes() throws {
        let resnet = Preset.resnet.configuration
        let layout = ParameterLayout(ModelConfiguration(encoder: resnet, head: .mean(classes: 2)))
        #expect(layout.parameters.reduce(0) { $0 + $1.count } == 9_176_642)
        #expect(resnet.tokens == 216 && resnet.residualProducts > 20_000_000_000)
        let small = Preset.resnetSmall.configuration
        let smallLayout = ParameterLayout(ModelConfiguration(encoder: small, head: .peak(classes: 2)))
        #expect(smallLayout.parameters.reduce(0) { $0 + $1.count } == 226_658)
        #expect(small.tokens == 216 && small.imageSize == Preset.small.configuration.imageSize)
        for objective in PretrainingObjective.allCases {
            for encoder in [resnet, small] {
                #expect(throws: (any Error).self) { try objective.goal.check(objective.model(encoder)) }
            }
        }
        for stages in [
            ResidualStages(widths: [12], blocks: [1]), ResidualStages(widths: [8, 8], blocks: [1]),
            ResidualStages(widths: [8], blocks: [0]), ResidualStages(widths: [], blocks: []),
        ] {
            #expect(throws: EncoderError.self) {
                try EncoderConfiguration(imageSize: 16, residual: stages).validate()
            }
        }
    }
}
