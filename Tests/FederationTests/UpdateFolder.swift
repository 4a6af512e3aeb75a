import Federation
import Foundation
import Weights

/// A folder with a small base model and updates, removed at the end.
final class UpdateFolder {
    let path: String
    /// Names, shapes and types; `frozen.count` is never trained, `norm.weight` only the decoder uses.
    static let tensors: [SafetensorsWriter.Entry] = [
        .init("embed.weight", .float32, [33, 1021]), .init("frozen.count", .int64, [3]),
        .init("blocks.0.bias", .float32, [7]), .init("empty", .float32, [0, 4]), .init("norm.weight", .float32, [65]),
        .init("FC.weight", .float32, [2, 70_001]), .init("scalar", .float32, []),
    ]
    static let freezing = FreezePatterns(["frozen.*"])

    init() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "consilium-fold-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        path = folder.path(percentEncoded: false)
        var writer = try SafetensorsWriter(file("base"), entries: Self.tensors, metadata: ["model": "tiny", "b": "2"])
        for entry in Self.tensors {
            let count = entry.shape.reduce(1, *)
            if entry.type == .float32 {
                try writer.append(Self.numbers(count, seed: 77 + count))
            } else {
                try [Int64](repeating: 5, count: count).withUnsafeBytes { try writer.append($0) }
            }
        }
        _ = try writer.finish()
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name).safetensors" }

    var base: SafetensorsFile { get throws { try SafetensorsFile(file("base")) } }
    var layout: UpdateLayout {
        get throws { try UpdateLayout(base: try base.header, freezing: Self.freezing) }
    }

    /// Writes an update of made numbers.
    /// - Returns: its path and its bytes.
    @discardableResult
    func update(
        _ name: String, seed: Int, scale: Float = 0.01, encoding: UpdateEncoding = .f32
    ) throws -> (path: String, reference: ObjectReference) {
        let layout = try layout
        var writer = try SafetensorsWriter(
            file(name), entries: layout.entries.map { .init($0.name, encoding.type, $0.shape) })
        for (index, entry) in layout.entries.enumerated() {
            try writer.append(Self.numbers(entry.elements, seed: seed * 31 + index, scale: scale))
        }
        let digest = try writer.finish()
        return (file(name), ObjectReference(digest: digest, bytes: try SafetensorsFile(file(name)).fileBytes))
    }

    func bytes(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(filePath: file(name)))) }

    /// Numbers of −`scale` to `scale`.
    static func numbers(_ count: Int, seed: Int, scale: Float = 1) -> [Float] {
        var state = UInt64(seed) &* 0x9e37_79b9_7f4a_7c15 | 1
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (Float(state >> 40) * 0x1p-23 - 1) * scale
        }
    }
}

/// A generator of random numbers that can be repeated (Steele et al., SplitMix, 2014).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
