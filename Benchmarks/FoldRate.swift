import Cryptography
import Federation
import Files
import Foundation
import Weights

/// The fold of updates from the page cache: gigabytes of updates a second, summed only, and into a durable model with its
/// digest.
struct FoldRate {
    /// A model of that many parameters in that many equal tensors.
    private static let sizes = ["1": (250_000, 4), "100": (25_000_000, 50), "345": (86_250_000, 150)]

    let parameters: Int
    let tensors: Int
    let sites: Int

    init(size: String, sites: Int) throws {
        guard let (parameters, tensors) = Self.sizes[size] else { throw BenchError("no model has \(size) MB") }
        (self.parameters, self.tensors, self.sites) = (parameters, tensors, sites)
    }

    func measure(_ runs: Int) throws -> [String: Double] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "consilium-fold-\(getpid())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func path(_ name: String) -> String { folder.appending(path: name).path(percentEncoded: false) }
        try write(path("base"), seed: 0, scale: 1)
        let inputs = try (0..<sites).map { site in
            try write(path("update-\(site)"), seed: site + 1, scale: 0.01)
            return Fold.Input(site: "site-\(site)", path: path("update-\(site)"), weight: 100 + site)
        }
        let before = peakGiB()
        let layout = try UpdateLayout(base: try SafetensorsFile(path("base")).header)
        var digests: Set<String> = []
        let fold = { try Fold(base: path("base"), updates: inputs, layout: layout, encoding: .f32) }
        var bytes = 0
        let sum = try median(of: runs) { try fold().stream { bytes += $0.count } }
        let start = clock()
        let durable = try median(of: runs) { digests.insert(try fold().write(to: path("next")).model.digest) }
        let processor = Double(clock() - start) / Double(CLOCKS_PER_SEC) / Double(runs + 1)
        guard digests.count == 1, bytes == (runs + 1) * 4 * parameters else {
            throw BenchError("the fold gave \(digests.count) digests and \(bytes) bytes")
        }
        let input = Double(4 * parameters * sites) / 1e9
        return [
            "seconds": sum, "gb_per_second": input / sum, "durable.seconds": durable,
            "durable.gb_per_second": input / durable, "durable.cpu_seconds": processor,
            "peak_mb": peakGiB() * 1073.741824, "peak_before_mb": before * 1073.741824,
        ]
    }

    private func write(_ path: String, seed: Int, scale: Float) throws {
        let each = parameters / tensors
        var writer = try SafetensorsWriter(
            path, entries: (0..<tensors).map { .init("t\($0)", .float32, [each]) })
        var state = UInt64(seed) &* 0x9e37_79b9_7f4a_7c15 | 1
        var values = [Float](repeating: 0, count: 1 << 16)
        for _ in 0..<tensors {
            var left = each
            while left > 0 {
                let count = min(left, values.count)
                for i in 0..<count {
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    values[i] = (Float(state >> 40) * 0x1p-23 - 1) * scale
                }
                try values.withUnsafeBufferPointer {
                    try writer.append(UnsafeBufferPointer(rebasing: $0[..<count]))
                }
                left -= count
            }
        }
        _ = try writer.finish()
    }
}

/// What the machine gives at best: SHA-256 of memory, and a durable write, in gigabytes a second.
struct Floor {
    func measure() throws -> [String: Double] {
        let bytes = [UInt8](repeating: 0xa5, count: 64 << 20)
        let hash = median(of: 5) { _ = bytes.withUnsafeBytes { SHA256.hex(of: $0) } }
        let path = FileManager.default.temporaryDirectory.appending(path: "consilium-floor-\(getpid())")
            .path(percentEncoded: false)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let disk = try median(of: 5) {
            let file = try DurableFile(path, size: 6 * bytes.count)
            for _ in 0..<6 { try file.append(bytes) }
            try file.commit()
        }
        return [
            "sha256.gb_per_second": Double(bytes.count) / hash / 1e9,
            "disk_write.gb_per_second": Double(6 * bytes.count) / disk / 1e9,
        ]
    }
}
