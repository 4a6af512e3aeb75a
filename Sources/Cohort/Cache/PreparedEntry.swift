import Cryptography
import Foundation
package import Imaging

/// The bytes of one prepared case in the cache.
///
/// Layout: the 8 bytes `CONSPREP`, the header's length as 8 little-endian bytes, a JSON header (version, size, presence,
/// recipe, geometry, warnings), 4·S³ little-endian Float32 voxels, and the SHA-256 of all that as 64 hexadecimal digits.
package enum PreparedEntry {
    /// Counted up whenever the layout changes, or the same files and recipe would be prepared otherwise.
    package static let version = 1

    /// What decoding fails with; the entry is then made anew, so no person reads it.
    enum Damage: Error { case length, header, checksum }

    private static let magic = Array("CONSPREP".utf8)
    private static let checksumBytes = 64
    private static let mostHeaderBytes = 1 << 20

    private struct Header: Codable {
        var version: Int
        var size: Int
        var present: [Bool]
        var recipe: Recipe
        var geometry: PreparedGeometry
        var warnings: [String]
    }

    /// The bytes of a volume; the same volume gives the same bytes.
    package static func encode(_ volume: PreparedVolume) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let header = try encoder.encode(
            Header(
                version: version, size: volume.size, present: volume.present, recipe: volume.recipe,
                geometry: volume.geometry, warnings: volume.warnings))
        var bytes: [UInt8] = []
        bytes.reserveCapacity(16 + header.count + volume.voxels.count * 4 + checksumBytes)
        bytes += magic
        withUnsafeBytes(of: UInt64(header.count).littleEndian) { bytes.append(contentsOf: $0) }
        bytes += header
        volume.voxels.withUnsafeBytes { bytes.append(contentsOf: $0) }
        bytes += Array(bytes.withUnsafeBytes { SHA256.hex(of: $0) }.utf8)
        return bytes
    }

    /// Reads an entry: a pure function that believes nothing before the checksum has been compared.
    /// - Throws: whatever is wrong with it.
    package static func decode(_ bytes: [UInt8]) throws -> PreparedVolume {
        guard bytes.count >= 16 + checksumBytes, bytes.starts(with: magic) else { throw Damage.length }
        let end = bytes.count - checksumBytes
        let digest = bytes.withUnsafeBytes { SHA256.hex(of: UnsafeRawBufferPointer(rebasing: $0[0..<end])) }
        guard Array(digest.utf8) == Array(bytes[end...]) else { throw Damage.checksum }
        let length = (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[8 + $1]) << (8 * UInt64($1)) }
        guard length <= mostHeaderBytes, 16 + Int(length) <= end else { throw Damage.length }
        let start = 16 + Int(length)
        let header = try JSONDecoder().decode(Header.self, from: Data(bytes[16..<start]))
        guard header.version == version, header.present.count == Contrast.allCases.count,
            (1...512).contains(header.size)
        else { throw Damage.header }
        let count = Contrast.allCases.count * header.size * header.size * header.size
        guard end - start == count * 4 else { throw Damage.length }
        let voxels = [Float](unsafeUninitializedCapacity: count) { target, initialized in
            bytes.withUnsafeBytes { source in
                UnsafeMutableRawBufferPointer(target).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: source[start..<end]))
            }
            initialized = count
        }
        return PreparedVolume(
            size: header.size, voxels: voxels, present: header.present, recipe: header.recipe,
            geometry: header.geometry, warnings: header.warnings)
    }
}
