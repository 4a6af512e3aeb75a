import Federation
import Foundation
import Weights

/// `bench echo-trainer ADD SAMPLES`: a site's own trainer that adds a number to every weight, for measuring rounds
/// without training. Run by the worker in a folder with `base.safetensors`; see agent/GUIDE.md on external trainers.
struct EchoTrainer {
    let addend: Float
    let samples: Int

    func run() throws {
        let base = try SafetensorsFile("base.safetensors")
        let layout = try UpdateLayout(base: base.header)
        _ = try DeltaWriter.write(to: "delta.safetensors", base: base, layout: layout, encoding: .f32) {
            name, offset, values in
            try base.read(name, into: values, offset: offset)
            for index in values.indices { values[index] += addend }
        }
        let metrics = try JSONSerialization.data(withJSONObject: ["samples": samples, "steps": 1])
        try metrics.write(to: URL(filePath: "metrics.json"))
    }
}
