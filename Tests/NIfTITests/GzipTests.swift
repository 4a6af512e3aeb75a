import Testing

import NIfTI

/// The gzip wrapping, forged byte by byte.
struct GzipTests {
    private let file = ForgedFile().bytes

    private func code(of bytes: [UInt8]) -> NIfTIError.Code? {
        do {
            _ = try NIfTIFile.content(of: bytes)
            return nil
        } catch {
            return error.code
        }
    }

    @Test("Every optional field of a member's header is stepped over")
    func readsOptionalFields() throws {
        let name = Array("scan.nii".utf8) + [0]
        let fields: [(UInt8, [UInt8])] = [
            (0x01, []), (0x02, [7, 7]), (0x04, [3, 0, 1, 2, 3]), (0x08, name), (0x10, name),
            (0x1f, [3, 0, 1, 2, 3] + name + name + [7, 7]),
        ]
        let expected = try NIfTIFile.content(of: file).floats()
        for (flags, extra) in fields {
            let content = try NIfTIFile.content(of: StoredGzip.member(file, flags: flags, extra: extra))
            #expect(content.floats() == expected)
        }
    }

    @Test("Reserved flags, another method and an endless name are refused")
    func refusesOddHeaders() {
        #expect(code(of: StoredGzip.member(file, flags: 0x20)) == .gzip)
        var other = StoredGzip.member(file)
        other[2] = 7
        #expect(code(of: other) == .gzip)
        let long = [UInt8](repeating: 0x61, count: 5000) + [0]
        #expect(code(of: StoredGzip.member(file, flags: 8, extra: long)) == .gzip)
    }

    @Test("Up to 16 members in a row are one file, 17 are refused")
    func joinsMembers() throws {
        func members(_ count: Int) -> [UInt8] {
            let step = file.count / count
            let cuts = (0..<count).map { file[$0 * step..<($0 == count - 1 ? file.count : ($0 + 1) * step)] }
            return cuts.flatMap { StoredGzip.member($0) }
        }
        let expected = try NIfTIFile.content(of: file).floats()
        for count in [1, 2, 3, 16] { #expect(try NIfTIFile.content(of: members(count)).floats() == expected) }
        #expect(code(of: members(17)) == .gzip)
    }

    @Test("A wrong checksum, a wrong length and bytes behind the end are refused")
    func refusesDamage() {
        #expect(code(of: StoredGzip.member(file, crc: 0)) == .gzip)
        #expect(code(of: StoredGzip.member(file, length: 1)) == .gzip)
        #expect(code(of: StoredGzip.member(file) + [0]) == .gzip)
        #expect(code(of: StoredGzip.member(file) + Array("trailing text".utf8)) == .gzip)
        #expect(code(of: [0x1f, 0x8b]) != nil)
    }

    @Test("A second member that would inflate beyond the announced size is refused")
    func refusesBombs() throws {
        let zeros = [Float](repeating: 0, count: 8_000_000)
        let bomb = try NIfTIFile.encode(
            voxels: zeros, dims: [200, 200, 200], affine: Affine(spacing: (1, 1, 1)), datatype: .float32)
        #expect(bomb.count < 40_000)
        #expect(code(of: StoredGzip.member(file) + bomb) == .tooLong)
        #expect(code(of: StoredGzip.member(file[..<360]) + bomb) == .tooLong)
    }

    @Test("A header that announces more than its bytes can inflate to is refused before inflating")
    func refusesTheImpossible() {
        var forged = ForgedFile()
        forged.dim = [3, 2048, 2048, 127, 1, 1, 1, 1]
        #expect(code(of: StoredGzip.member(forged.bytes)) == .tooShort)
    }
}
