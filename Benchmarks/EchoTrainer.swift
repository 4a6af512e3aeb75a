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
        let layout = try UpdateLayout(base: base.header, plan: plan)
        try write(layout, plan.encoding)
        let rows = try String(contentsOfFile: "manifest.csv", encoding: .utf8).split(separator: "\n")
        let samples = rows.dropFirst().count { $0.split(separator: ",", maxSplits: 3)[2] == "train" }
        try Data(#"{"samples":\#(samples),"steps":1,"loss":null}"#.utf8).write(to: URL(filePath: "metrics.json"))
    }

    /// A plain safetensors file, neither hashed nor made durable, as other people's libraries write it.
    private func write(_ layout: UpdateLayout, _ encoding: UpdateEncoding) throws {
        var end = 0
        let entries = layout.entries.map { entry in
            let begin = end
            end += entry.elements * encoding.type.size
            let shape = entry.shape.map(String.init).joined(separator: ",")
            return "\"\(entry.name)\":{\"dtype\":\"\(encoding.rawValue.uppercased())\",\"shape\":[\(shape)],"
                + "\"data_offsets\":[\(begin),\(end)]}"
        }
        let header = "{\(entries.joined(separator: ","))}"
        let path = "delta.safetensors"
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let file = FileHandle(forWritingAtPath: path)
        else { throw BenchError("\(path) cannot be made") }
        defer { try? file.close() }
        try file.write(contentsOf: withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) })
        try file.write(contentsOf: Data(header.utf8))
        let bits = rise.bitPattern
        let number =
            encoding == .f32
            ? withUnsafeBytes(of: bits.littleEndian) { Data($0) }
            : withUnsafeBytes(of: UInt16(bits >> 16).littleEndian) { Data($0) }
        var chunk = Data()
        chunk.append(number)
        while chunk.count < 1 << 20 { chunk += chunk }
        for start in stride(from: 0, to: end, by: chunk.count) {
            try file.write(contentsOf: end - start < chunk.count ? chunk.prefix(end - start) : chunk)
        }
    }
}
