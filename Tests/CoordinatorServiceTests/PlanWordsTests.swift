import CoordinatorService
import Cryptography
import Encoder
import Federation
import Foundation
import Imaging
import Testing
import Training
import Weights

/// The words a plan may hold for presets, recipes and heads are those of the modules that carry them out.
@Suite struct PlanWordsTests {
    private func plan(_ lines: [String]) throws -> StudyPlan {
        let least = [
            "name: study", "task: detection", "classes: [normal, tumour]", "rounds: 1",
            "governance: {purpose: a test, data_declared: synthetic}",
        ]
        return try StudyPlan.parse((least + lines).joined(separator: "\n") + "\n")
    }

    /// What `body` finds in the file of the plan's initial model.
    private func initial(
        _ plan: StudyPlan, _ body: (ModelFile, String) throws -> Void
    ) throws {
        let folder = NSTemporaryDirectory() + "words-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = try InitialModel.make(plan, path: folder + "/initial.safetensors")
        try body(try ModelFile(folder + "/initial.safetensors"), folder)
    }

    @Test("every preset can stand in a plan, with volumes of its size", arguments: Preset.allCases)
    func presets(preset: Preset) throws {
        let plan = try plan(["initial: {preset: \(preset.rawValue)}"])
        #expect(plan.recipe.size == preset.configuration.imageSize)
        guard preset.configuration.hidden <= 256 else { return }
        try initial(plan) { file, _ in
            #expect(file.description.configuration.encoder == preset.configuration)
        }
    }

    @Test("what no site could carry out is refused with the plan")
    func impossible() throws {
        let flipped = ["initial: {preset: small}", "training: {epochs: 1, augment: [flip]}"]
        try InitialModel.check(try plan(flipped))
        let stored = try plan(flipped + ["recipe: lamim-pretrain"])
        #expect(throws: TrainingError.self) { try InitialModel.check(stored) }
        for (preset, isPossible) in [("small", true), ("resnet-small", false)] {
            let pretraining = try StudyPlan.parse(
                "name: study\ntask: pretraining\ninitial: {preset: \(preset)}\nrounds: 1\n"
                    + "governance: {purpose: a test, data_declared: synthetic}\n")
            #expect(((try? InitialModel.check(pretraining)) != nil) == isPossible, "\(preset)")
        }
    }

    @Test("every recipe can stand in a plan", arguments: Recipe.Name.allCases)
    func recipes(name: Recipe.Name) throws {
        let plan = try plan(["initial: {preset: resnet-small}", "recipe: \(name.rawValue)"])
        try initial(plan) { file, folder in
            let recipe = try CaseSource.recipe(file.description.recipe ?? "")
            let digest = String(repeating: "a", count: 64)
            #expect(recipe == Recipe(name: name, size: 48))
            // Brought as weights it is taken as it is, but for a plan that prepares otherwise.
            #expect(try InitialModel.adapt(file.file.path, digest: digest, plan, path: folder + "/same") == nil)
            var other = plan
            other.recipe.name = name == .consilium ? "standardised" : "consilium"
            #expect(try InitialModel.adapt(file.file.path, digest: digest, other, path: folder + "/other") != nil)
            let made = try ModelFile(folder + "/other").description
            #expect(try CaseSource.recipe(made.recipe ?? "").name.rawValue == other.recipe.name)
            #expect(made.lineage == [digest])
        }
    }

    @Test("what a study begins from keeps its permission, and what it leaves out is told with the model")
    func descent() throws {
        let plain = try plan(["initial: {preset: resnet-small}"])
        try initial(plain) { file, folder in
            #expect(file.description.contrasts == nil && file.description.lineage.isEmpty)
            let digest = try #require(SHA256.hex(ofFile: file.file.path))
            let tensors = file.file.tensors
            var metadata = file.file.metadata
            metadata["licence_ref"] = "letter of 3 May"
            metadata["lineage"] = String(repeating: "b", count: 64)
            let path = folder + "/permitted"
            var writer = try SafetensorsWriter(
                path, entries: tensors.map { .init($0.name, $0.type, $0.shape) }, metadata: metadata)
            for tensor in tensors {
                let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: tensor.shape.reduce(1, *))
                defer { values.deallocate() }
                try file.file.read(tensor.name, into: values, offset: 0)
                try writer.append(UnsafeBufferPointer(values))
            }
            _ = try writer.finish()
            let some = try plan(["initial: {preset: resnet-small}", "contrasts: [FLAIR, T1c]"])
            _ = try #require(try InitialModel.adapt(path, digest: digest, some, path: folder + "/some"))
            let made = try ModelFile(folder + "/some").description
            #expect(made.licenceReference == "letter of 3 May")
            #expect(made.lineage == [digest, String(repeating: "b", count: 64)])
            #expect(made.contrasts == ["T1c", "FLAIR"])
            #expect(try InitialModel.adapt(folder + "/some", digest: digest, some, path: folder + "/again") == nil)
        }
    }

    @Test("every head can stand in a plan", arguments: FitRequest.HeadKind.allCases)
    func heads(kind: FitRequest.HeadKind) throws {
        let plan = try plan(["initial: {preset: resnet-small}", "head: \(kind.rawValue)"])
        try initial(plan) { file, _ in
            let head: Head =
                switch kind {
                case .mean: .mean(classes: 2)
                case .peak: .peak(classes: 2)
                case .lamim: .published(classes: 2)
                }
            #expect(file.description.configuration.head == head)
        }
    }

    @Test("contrasts of a plan are those of the volumes, in the order of their channels")
    func contrasts() throws {
        #expect(try plan(["initial: {preset: small}"]).contrasts == Contrast.allCases.map(\.rawValue))
    }

    @Test("percentiles belong to the recipe that has them")
    func percentiles() throws {
        let lines = ["initial: {preset: small}", "recipe: {name: standardised, percentiles: [1, 99]}"]
        #expect(throws: PlanError.self) { try plan(lines) }
    }
}
