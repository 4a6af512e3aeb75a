import Cohort
import Compute
import Encoder
import Foundation
import Imaging
import Training

/// A problem a tiny network learns in a few steps: cubes of noise, class 1 with a bright corner in two contrasts.
enum SmallProblem {
    static let encoder = EncoderConfiguration(
        imageSize: 16, patchSize: 8, hidden: 32, heads: 4, layers: 2, mlp: 64)

    static func model(classes: Int = 2) -> ModelConfiguration {
        ModelConfiguration(encoder: encoder, head: .mean(classes: classes))
    }

    static func input(_ id: String, label: Int, present: [Bool]? = nil, encoder e: EncoderConfiguration = encoder)
        -> EncoderInput
    {
        var stream = RandomStream(seed: 5, name: id)
        let s = e.imageSize
        let present = present ?? [true, true, true, true]
        var voxels = (0..<e.imageValues).map { _ in stream.unit() * 0.2 }
        for c in 0..<4 {
            for x in 0..<s / 2 {
                for y in 0..<s / 2 {
                    for z in 0..<s / 2 where label == 1 && c >= 2 { voxels[((c * s + x) * s + y) * s + z] += 0.6 }
                }
            }
            if !present[c] { for i in c * s * s * s..<(c + 1) * s * s * s { voxels[i] = 0 } }
        }
        return EncoderInput(voxels: voxels, present: present)
    }

    static func cases(train: Int = 12, select: Int = 6, test: Int = 4) -> [LabelledCase] {
        (0..<train + select + test).map { i in
            let split: Split = i < train ? .train : i < train + select ? .select : .test
            return LabelledCase(record: CaseRecord(id: "case\(i)"), label: i % 2, split: split)
        }
    }

    /// Loads a case of ``cases(train:select:test:)``; every third lacks a contrast.
    static func load(_ record: CaseRecord) -> EncoderInput {
        let number = Int(record.id.dropFirst(4)) ?? 0
        return input(record.id, label: number % 2, present: number % 3 == 2 ? [false, true, true, true] : nil)
    }

    static func request(
        _ out: String, precision: Precision = .fp32, cases: [LabelledCase] = cases(),
        change: (inout FitSettings) -> Void = { _ in }
    ) -> FitRequest {
        var settings = FitSettings(recipe: Recipe(size: 16), epochs: 4, batch: 2, accumulate: 2, rate: 3e-3)
        change(&settings)
        return FitRequest(
            start: .configuration(encoder), task: LabelTask(column: "bright", classes: ["no", "yes"]),
            settings: settings, cases: cases, load: { load($0) }, precision: precision, threads: 2, out: out)
    }

    /// A folder of the test's own, deleted by its caller.
    static func folder() throws -> String {
        let path = NSTemporaryDirectory() + "/training-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    static func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(filePath: path)) }
}
