import Federation
import Foundation
import Weights

/// An external trainer for benches and tests: whatever the model, every trained number rises by the same amount.
///
/// Site i of the echo workload adds 0.5(1 + i), so that the fold has a closed form. Run by `agent worker` in a round's
/// folder: `bench echo-trainer 0`.
struct EchoTrainer {
    /// What every number rises by.
    let rise: Float

    /// - Parameter site: 0 for the first.
    init(site: Int) { rise = 0.5 * Float(1 + site) }

    /// Writes `delta.safetensors` and `metrics.json` in the working directory.
    func run() throws {
        let plan = try StudyPlan.parse(try String(contentsOfFile: "plan.yaml", encoding: .utf8))
        let base = try SafetensorsFile("base.safetensors")
        let layout = try UpdateLayout(base: base.header, freezing: FreezePatterns(plan.training))
        var writer = try SafetensorsWriter(
            "delta.safetensors", entries: layout.entries.map { .init($0.name, plan.encoding.type, $0.shape) })
        let chunk = [Float](repeating: rise, count: 1 << 18)
        for entry in layout.entries {
            for start in stride(from: 0, to: entry.elements, by: chunk.count) {
                try chunk.withUnsafeBufferPointer {
                    let count = min(chunk.count, entry.elements - start)
                    try writer.append(UnsafeBufferPointer(rebasing: $0[..<count]))
                }
            }
        }
        _ = try writer.finish()
        let rows = try String(contentsOfFile: "manifest.csv", encoding: .utf8).split(separator: "\n")
        let samples = rows.dropFirst().count { $0.split(separator: ",", maxSplits: 3)[2] == "train" }
        try Data(#"{"samples":\#(samples),"steps":1,"loss":null}"#.utf8).write(to: URL(filePath: "metrics.json"))
    }
}
