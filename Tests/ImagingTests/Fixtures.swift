import Foundation

/// Where tests find what they compare with.
enum Fixtures {
    private static var root: URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
    }

    static var golden: URL {
        if let folder = ProcessInfo.processInfo.environment["CONSILIUM_GOLDEN"] { return URL(fileURLWithPath: folder) }
        return root.appendingPathComponent("Tests/Fixtures/golden")
    }

    /// Real scans, which are not part of the product.
    static var data: URL {
        if let folder = ProcessInfo.processInfo.environment["CONSILIUM_DATA"] { return URL(fileURLWithPath: folder) }
        return root.deletingLastPathComponent().appendingPathComponent("shared/data")
    }

    static var hasData: Bool { FileManager.default.fileExists(atPath: data.appendingPathComponent("healthy").path) }

    /// The F32 tensors of a safetensors file: shape, and values in C order.
    static func tensors(_ name: String) throws -> [String: (shape: [Int], values: [Float])] {
        let bytes = try Data(contentsOf: golden.appendingPathComponent(name))
        let length = Int(bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) })
        let json = try JSONSerialization.jsonObject(with: bytes[8..<8 + length]) as? [String: Any] ?? [:]
        var tensors: [String: (shape: [Int], values: [Float])] = [:]
        for (key, entry) in json {
            guard let entry = entry as? [String: Any], let shape = entry["shape"] as? [Int],
                let offsets = entry["data_offsets"] as? [Int]
            else { continue }
            let part = bytes[8 + length + offsets[0]..<8 + length + offsets[1]]
            let values = part.withUnsafeBytes { raw in
                (0..<raw.count / 4).map { raw.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
            }
            tensors[key] = (shape, values)
        }
        return tensors
    }
}
