import Cryptography
import Foundation
import Testing

@Suite struct SHA256Tests {
    @Test(
        "SHA-256 gives the digests of FIPS 180-4's examples",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
        ])
    func publishedExamples(message: String, digest: String) {
        var whole = SHA256()
        whole.update(message)
        #expect(whole.finish() == digest)

        var pieces = SHA256()
        for byte in message.utf8 { pieces.update([byte]) }
        #expect(pieces.finish() == digest)
    }

    @Test("the digest of a file is that of its bytes, and a missing file has none")
    func file() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("digest-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let bytes = (0..<3_000_001).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        #expect(SHA256.hex(ofFile: path) == bytes.withUnsafeBytes { SHA256.hex(of: $0) })
        #expect(SHA256.hex(ofFile: path + ".missing") == nil)
        #expect(SHA256.hex(ofFile: "/tmp") == nil)
    }
}
