import Compute
import Encoder
import Foundation
import Testing
import Training

/// The state of a fit on disk.
@Suite struct CheckpointTests {
    private func trainer() throws -> Trainer {
        let store = try ParameterStore(
            ParameterLayout(SmallProblem.model()), device: Device(precision: .fp32, threads: 2))
        store.initialise(seed: 3)
        return try Trainer(
            SmallProblem.model(), store: store, batch: 2, optimizer: .adamW(), loss: CrossEntropy(weights: nil),
            clip: nil)
    }

    @Test("the history of 10,000 epochs is kept")
    func longHistory() throws {
        let folder = try SmallProblem.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let trainer = try trainer()
        let evaluation = Evaluation(
            probabilities: (0..<20).map { [0.3 + Double($0) / 77, 0.7 - Double($0) / 77] }, labels: (0..<20).map { $0 % 2 })
        let history = (1...10_000).map { epoch in
            EpochRecord(
                epoch: epoch, step: 3 * epoch, rate: 1e-4, trainLoss: 1 / Double(epoch), select: evaluation,
                isBest: epoch == 1, seconds: Double(epoch) / 3)
        }
        var state = FitState()
        state.epoch = 10_000
        let path = folder + "/state.safetensors"
        try Checkpoint.write(
            path, store: trainer.store, optimizer: trainer.optimizer, state: state, identity: ["seed": "1"],
            history: history)
        let read = try #require(try Checkpoint.read(path))
        #expect(read.history == history)
        #expect(read.state == state)
        #expect(read.identity == ["seed": "1"])
    }
}
