import Foundation

/// A golden case: tensors of an independent implementation and its numbers.
package struct Golden {
    package let tensors: [String: [Float]]
    package let integers: [String: [Int]]
    private let numbers: [String: Any]

    /// The folder of golden vectors: `CONSILIUM_GOLDEN`, or the committed one.
    private static var folder: URL {
        if let path = ProcessInfo.processInfo.environment["CONSILIUM_GOLDEN"] { return URL(filePath: path) }
        return fixtures.appending(path: "golden")
    }

    private static var fixtures: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fixtures")
    }

    /// Names of the cases that start with a prefix.
    package static func names(_ prefix: String) -> [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return files.filter { $0.hasPrefix(prefix) && $0.hasSuffix("_f32.json") }
            .map { String($0.dropLast(5)) }.sorted()
    }

    /// - Parameter fixtures: the folder under Tests/Fixtures of a case of our own scripts; that of golden vectors when nil.
    package init(_ name: String, fixtures: String? = nil) throws {
        let folder = fixtures.map { Self.fixtures.appending(path: $0) } ?? Self.folder
        let json = try Data(contentsOf: folder.appending(path: "\(name).json"))
        numbers = try JSONSerialization.jsonObject(with: json) as? [String: Any] ?? [:]
        let data = try Data(contentsOf: folder.appending(path: "\(name).safetensors"))
        let length = Int(data.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) })
        let header = try JSONSerialization.jsonObject(with: data[8..<8 + length]) as? [String: Any] ?? [:]
        var tensors: [String: [Float]] = [:]
        var integers: [String: [Int]] = [:]
        for (name, entry) in header {
            guard let entry = entry as? [String: Any], let offsets = entry["data_offsets"] as? [Int] else { continue }
            let bytes = [UInt8](data[8 + length + offsets[0]..<8 + length + offsets[1]])
            bytes.withUnsafeBytes { raw in
                if entry["dtype"] as? String == "I64" {
                    integers[name] = (0..<raw.count / 8).map {
                        Int(raw.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self))
                    }
                } else {
                    tensors[name] = (0..<raw.count / 4).map {
                        raw.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self)
                    }
                }
            }
        }
        self.tensors = tensors
        self.integers = integers
    }

    package func number(_ path: String...) -> Double {
        var value: Any? = numbers
        for key in path { value = (value as? [String: Any])?[key] }
        return (value as? NSNumber)?.doubleValue ?? .nan
    }

    package func integer(_ path: String...) -> Int {
        var value: Any? = numbers
        for key in path { value = (value as? [String: Any])?[key] }
        return (value as? NSNumber)?.intValue ?? 0
    }

    package func list(_ path: String...) -> [Double] {
        var value: Any? = numbers
        for key in path { value = (value as? [String: Any])?[key] }
        return (value as? [NSNumber])?.map(\.doubleValue) ?? []
    }
}

/// The largest absolute difference.
package func distance(_ a: [Float], _ b: [Float]) -> Float {
    guard a.count == b.count else { return .infinity }
    return zip(a, b).reduce(0) { max($0, ($1.0 - $1.1).isNaN ? .infinity : abs($1.0 - $1.1)) }
}

/// ‖a − b‖ / ‖b‖.
package func relative(_ a: [Float], _ b: [Float]) -> Double {
    guard a.count == b.count else { return .infinity }
    var difference = 0.0
    var norm = 0.0
    for (x, y) in zip(a, b) {
        difference += Double(x - y) * Double(x - y)
        norm += Double(y) * Double(y)
    }
    return norm == 0 ? difference.squareRoot() : (difference / norm).squareRoot()
}
