import Foundation
import Imaging
import NIfTI

/// Small heads made for a test: an ellipsoid of brain with a lump on one side, nothing around it.
struct MadeScan {
    var dims = [40, 44, 36]
    var spacing = (4.0, 4.0, 4.0)
    /// Where the scanner's origin is put, millimetres.
    var origin = (-80.0, -88.0, -72.0)
    /// Another number, another head.
    var head: UInt64 = 1
    var contrast = Contrast.t1w
    /// Brightness of everything.
    var gain: Float = 1
    /// Stores the picture mirrored left to right under the same header.
    var isMirrored = false
    /// Air and scalp around the brain.
    var hasSkull = false
    var background: Float = 0
    /// Voxels set to NaN.
    var notNumbers = 0
    var descrip: String?

    var affine: Affine {
        Affine(rows: [[spacing.0, 0, 0, origin.0], [0, spacing.1, 0, origin.1], [0, 0, spacing.2, origin.2]])
    }

    var voxels: [Float] {
        var random = SplitMix(state: head &* 977)
        // The same places in every contrast of a head.
        let lumps = (0..<6).map { _ in
            (
                x: random.next(-0.6, 0.6), y: random.next(-0.6, 0.6), z: random.next(-0.5, 0.5),
                r: random.next(0.1, 0.3),
                v: random.next(-0.5, 0.8)
            )
        }
        var noise = SplitMix(state: head &* 31 &+ UInt64(contrast.channel) &+ 7)
        var result = [Float](repeating: background, count: dims.reduce(1, *))
        for k in 0..<dims[2] {
            for j in 0..<dims[1] {
                for i in 0..<dims[0] {
                    let column = isMirrored ? dims[0] - 1 - i : i
                    let x = (Double(column) + 0.5) / Double(dims[0]) * 2.4 - 1.2
                    let y = (Double(j) + 0.5) / Double(dims[1]) * 2.4 - 1.2
                    let z = (Double(k) + 0.5) / Double(dims[2]) * 2.4 - 1.2
                    let radius = x * x + y * y + z * z
                    let index = (k * dims[1] + j) * dims[0] + i
                    if radius > 1 {
                        if hasSkull { result[index] = Float(10 + noise.next(0, 9)) }
                        continue
                    }
                    var value = 100.0 + 20 * (1 - radius)
                    for (number, lump) in lumps.enumerated() {
                        let d = (x - lump.x) * (x - lump.x) + (y - lump.y) * (y - lump.y) + (z - lump.z) * (z - lump.z)
                        let sign = contrast == .t1w || number > 1 ? 1.0 : -1.0
                        if d < lump.r * lump.r { value += sign * 100 * lump.v }
                    }
                    result[index] = gain * Float(value + noise.next(-3, 3) + 10 * Double(contrast.channel))
                }
            }
        }
        for index in 0..<notNumbers { result[result.count / 2 + index] = .nan }
        return result
    }

    func write(_ path: String) throws {
        guard let descrip else {
            return try NIfTIFile.write(path, voxels: voxels, dims: dims, affine: affine)
        }
        try PlainFile.write(path, voxels: voxels, dims: dims, affine: affine, descrip: descrip)
    }
}

/// Uncompressed files made by hand (nifti1.h's offsets): the writer compresses, which takes long for real scans, and
/// leaves `descrip` empty.
enum PlainFile {
    static func write(_ path: String, voxels: [Float], dims: [Int], affine: Affine, descrip: String = "") throws {
        var bytes = Data(count: 352)
        func put(_ value: some FixedWidthInteger, at offset: Int) {
            withUnsafeBytes(of: value.littleEndian) { bytes.replaceSubrange(offset..<offset + $0.count, with: $0) }
        }
        put(Int32(348), at: 0)
        for (index, size) in ([3] + dims + [1, 1, 1, 1]).enumerated() { put(Int16(size), at: 40 + 2 * index) }
        put(Int16(16), at: 70)
        put(Int16(32), at: 72)
        for (index, size) in ([1] + affine.spacing).enumerated() { put(Float(size).bitPattern, at: 76 + 4 * index) }
        for (offset, value) in [(108, 352), (112, 1)] { put(Float(value).bitPattern, at: offset) }
        bytes.replaceSubrange(148..<148 + descrip.utf8.count, with: Array(descrip.utf8))
        put(Int16(1), at: 254)
        for (index, number) in affine.rows.joined().enumerated() { put(Float(number).bitPattern, at: 280 + 4 * index) }
        bytes.replaceSubrange(344..<348, with: Array("n+1\0".utf8))
        voxels.withUnsafeBytes { bytes.append(contentsOf: $0) }
        try bytes.write(to: URL(fileURLWithPath: path))
    }
}

/// Steele, Lea and Flood's SplitMix64: numbers for tests that are the same everywhere.
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func next(_ low: Double, _ high: Double) -> Double {
        low + Double(next() >> 11) / Double(1 << 53) * (high - low)
    }
}

/// A folder that is gone after the test.
struct Scratch: ~Copyable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "consilium-cohort-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String) throws -> String {
        let file = "\(path)/\(name)"
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        return file
    }
}

/// Real scans; tests that need them are skipped where shared/data is absent.
enum SharedData {
    static let folder: String =
        ProcessInfo.processInfo.environment["CONSILIUM_DATA"]
        ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared/data").path

    static func has(_ path: String) -> Bool { FileManager.default.fileExists(atPath: "\(folder)/\(path)") }
}
