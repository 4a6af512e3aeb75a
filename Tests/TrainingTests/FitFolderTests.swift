import Encoder
import Foundation
import Testing
import Training

/// What a fit does with what it finds in its folder.
@Suite struct FitFolderTests {
    private func fit(_ out: String, stopAfterEpoch epoch: Int = .max) throws -> FitOutcome {
        var stops = false
        return try Fit(SmallProblem.request(out) { $0.epochs = 2 }).run(
            report: { report in
                if case .epoch(let row, _) = report, row.epoch >= epoch { stops = true }
            }, shouldStop: { stops })
    }

    private func refusal(_ out: String) throws -> String {
        let model = out + "/model.safetensors"
        let before = try SmallProblem.bytes(model)
        let error = #expect(throws: TrainingError.self) { try fit(out) }
        #expect(error?.code == .checkpoint)
        #expect(try SmallProblem.bytes(model) == before)
        return error?.description ?? ""
    }

    @Test("a model is not overwritten by a fit that cannot know it for its own")
    func keepsModels() throws {
        let out = try SmallProblem.folder()
        defer { try? FileManager.default.removeItem(atPath: out) }
        _ = try fit(out)
        let metrics = try SmallProblem.bytes(out + "/metrics.json")
        try Data("{".utf8).write(to: URL(filePath: out + "/metrics.json"))
        #expect(try refusal(out).contains("metrics.json cannot be read"))
        try FileManager.default.removeItem(atPath: out + "/metrics.json")
        #expect(try refusal(out).contains("metrics.json cannot be read"))
        try metrics.write(to: URL(filePath: out + "/metrics.json"))
        guard case .finished = try fit(out) else { throw CancellationError() }

        try Data("{".utf8).write(to: URL(filePath: out + "/fit.json"))
        #expect(try refusal(out).contains("does not say what fit it is of"))
        try FileManager.default.removeItem(atPath: out + "/fit.json")
        #expect(try refusal(out).contains("another folder with --out"))
        let foreign = try SmallProblem.folder()
        defer { try? FileManager.default.removeItem(atPath: foreign) }
        try Data("a model of somebody".utf8).write(to: URL(filePath: foreign + "/model.safetensors"))
        #expect(try refusal(foreign).contains("would be overwritten"))
    }

    @Test("a fit whose checkpoint is gone begins anew over its own unfinished model only")
    func withoutCheckpoint() throws {
        let out = try SmallProblem.folder()
        defer { try? FileManager.default.removeItem(atPath: out) }
        _ = try fit(out, stopAfterEpoch: 1)
        try FileManager.default.removeItem(atPath: out + "/checkpoint")
        let other = #expect(throws: TrainingError.self) {
            _ = try Fit(SmallProblem.request(out) { $0.epochs = 3 }).run(report: { _ in }, shouldStop: { false })
        }
        #expect(other?.description.contains("its epochs is \"2\"") == true, "\(other?.description ?? "")")
        guard case .finished = try fit(out) else { throw CancellationError() }
    }

    @Test("what a killed fit left half-written is deleted, and nothing else, not what another process is writing")
    func halfWritten() throws {
        let out = try SmallProblem.folder()
        defer { try? FileManager.default.removeItem(atPath: out) }
        try FileManager.default.createDirectory(atPath: out + "/checkpoint", withIntermediateDirectories: true)
        let own = [
            ".model.safetensors.99999999.1.partial", ".fit.json.99999999.2.partial",
            "checkpoint/.state.safetensors.99999999.3.partial",
            ".restorer.safetensors.\(getpid()).4.partial",
        ]
        let others = [
            "film.partial", ".film.partial", ".film.2.x.partial", ".model.safetensors.\(getppid()).1.partial",
            ".model.safetensors.bak", "checkpoint/x.partial",
        ]
        for name in own + others { try Data("x".utf8).write(to: URL(filePath: out + "/" + name)) }
        _ = try Fit(SmallProblem.request(out))
        for name in own { #expect(!FileManager.default.fileExists(atPath: out + "/" + name), "\(name)") }
        for name in others { #expect(FileManager.default.fileExists(atPath: out + "/" + name), "\(name)") }
    }

    @Test("a folder is held by one fit at a time, and one that cannot be opened is called so")
    func held() throws {
        let out = try SmallProblem.folder()
        defer { try? FileManager.default.removeItem(atPath: out) }
        let first = try Fit(SmallProblem.request(out))
        withExtendedLifetime(first) {
            let second = #expect(throws: TrainingError.self) { try Fit(SmallProblem.request(out)) }
            #expect(second?.description.contains("Another fit is writing into") == true)
        }
        // The superuser may open what permissions forbid.
        guard getuid() != 0 else { return }
        try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: out)
        let closed = #expect(throws: TrainingError.self) { try Fit(SmallProblem.request(out)) }
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: out)
        #expect(closed?.description.contains("ermission denied") == true, "\(closed?.description ?? "")")
    }

    @Test("a model file's threshold lies from 0 to 1", arguments: ["-0.1", "1.5", "nan", "inf", "half", ""])
    func threshold(text: String) throws {
        let description = ModelDescription(
            configuration: SmallProblem.model(), task: "bright", classes: ["no", "yes"], threshold: 0.25)
        var metadata = try description.metadata()
        #expect(try ModelDescription(metadata: metadata, path: "m")?.threshold == 0.25)
        metadata["threshold"] = text
        let error = #expect(throws: EncoderError.self) { try ModelDescription(metadata: metadata, path: "m") }
        #expect(error?.description.contains("threshold that is no number from 0 to 1") == true)
    }
}
