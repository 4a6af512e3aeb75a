import Compute
import Encoder
import Foundation
import Testing
import Training
import Weights

/// The state of a fit on disk.
@Suite struct CheckpointTests {
    private func trainer() throws -> Trainer {
        let store = try ParameterStore(
            ParameterLayout(SmallProblem.model()), device: Device(precision: .fp32, threads: 2))
        store.initialise(seed: 3)
        return try Trainer(
            SmallProblem.model(), store: store, batch: 2, optimizer: .adamW(),
            goal: .classification(CrossEntropy(weights: nil)),
            clip: nil)
    }

    @Test("the history of 10,000 epochs is kept")
    func longHistory() throws {
        let folder = try SmallProblem.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let trainer = try trainer()
        var row = try JSONDecoder().decode(
            EpochRecord.self,
            from: Data(
                """
                {"epoch": 1, "step": 3, "rate": 1e-4, "trainLoss": 0.7, "isBest": false, "seconds": 1,
                "select": {"cases": 6, "loss": 0.6931471805599453, "accuracy": 0.5, "sensitivity": 0.25,
                "specificity": 0.75, "auc": 0.5555555555555556, "auc_interval": [0.1, 0.9]}}
                """.utf8))
        var history: [EpochRecord] = []
        for epoch in 1...10_000 {
            row.epoch = epoch
            row.trainLoss = 1 / Double(epoch)
            history.append(row)
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

    private func refusal(_ request: FitRequest) throws -> String {
        let error = #expect(throws: TrainingError.self) {
            try Fit(request).run(report: { _ in }, shouldStop: { false })
        }
        #expect(error?.code == .checkpoint)
        return error?.description ?? ""
    }

    /// Runs a fit until an epoch is done.
    private func interrupt(_ request: FitRequest, afterEpoch epoch: Int) throws {
        var stops = false
        let outcome = try Fit(request).run(
            report: { report in
                if case .epoch(let row, _) = report, row.epoch >= epoch { stops = true }
            }, shouldStop: { stops })
        guard case .interrupted = outcome else { throw CancellationError() }
    }

    @Test("a checkpoint that stands where its fit cannot be is refused")
    func impossible() throws {
        let out = try SmallProblem.folder()
        defer { try? FileManager.default.removeItem(atPath: out) }
        let request = SmallProblem.request(out) { $0.epochs = 2 }
        try interrupt(request, afterEpoch: 1)
        let path = out + "/checkpoint/state.safetensors"
        let (state, identity, history) = try #require(try Checkpoint.read(path))
        let trainer = try trainer()
        let changes: [(inout FitState) -> Void] = [
            { $0.step = 99 }, { $0.step = -1 }, { $0.epoch = 3 }, { $0.epoch = -1 }, { $0.epoch = .max },
            { $0.optimizerSteps = -5 }, { $0.best = nil }, { $0.best?.epoch = 2 }, { $0.seconds = -1 },
        ]
        for (i, change) in changes.enumerated() {
            var changed = state
            change(&changed)
            try Checkpoint.write(
                path, store: trainer.store, optimizer: trainer.optimizer, state: changed, identity: identity,
                history: history)
            #expect(try refusal(request).contains("stands where this fit cannot be"), "change \(i)")
        }
        try Checkpoint.write(
            path, store: trainer.store, optimizer: trainer.optimizer, state: state, identity: identity, history: [])
        #expect(try refusal(request).contains("stands where this fit cannot be"))
    }

    @Test("a checkpoint of another format, or with damaged texts, is refused without the decoder's words")
    func damaged() throws {
        let folder = try SmallProblem.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/state.safetensors"
        func refusal(_ metadata: [String: String]) throws -> String {
            var writer = try SafetensorsWriter(path, entries: [.init("history", .uint8, [2])], metadata: metadata)
            try Array("[]".utf8).withUnsafeBytes { try writer.append($0) }
            _ = try writer.finish()
            let error = #expect(throws: TrainingError.self) { try Checkpoint.read(path) }
            return error?.description ?? ""
        }
        #expect(try refusal(["state": "{}"]).contains("no checkpoint"))
        #expect(try refusal(["format": "consilium-checkpoint 1"]).contains("another release, consilium-checkpoint 1"))
        let state = try refusal(["format": "consilium-checkpoint 2", "state": "{"])
        #expect(state.contains("its state is damaged"), "\(state)")
        #expect(!state.contains("DecodingError") && !state.contains("dataCorrupted"))
    }

    @Test("the best model is evaluated only if it is the one the fit wrote")
    func foreignBest() throws {
        let out = try SmallProblem.folder()
        defer { try? FileManager.default.removeItem(atPath: out) }
        let request = SmallProblem.request(out) { $0.epochs = 2 }
        try interrupt(request, afterEpoch: 2)
        let other = try SmallProblem.folder()
        defer { try? FileManager.default.removeItem(atPath: other) }
        _ = try Fit(
            SmallProblem.request(other) {
                $0.epochs = 1
                $0.seed = 9
            }
        ).run(report: { _ in }, shouldStop: { false })
        let model = try SmallProblem.bytes(out + "/model.safetensors")
        try SmallProblem.bytes(other + "/model.safetensors").write(to: URL(filePath: out + "/model.safetensors"))
        #expect(try refusal(request).contains("is not the model of epoch"))
        try model.write(to: URL(filePath: out + "/model.safetensors"))
        guard case .finished = try Fit(request).run(report: { _ in }, shouldStop: { false }) else {
            throw CancellationError()
        }
    }
}
