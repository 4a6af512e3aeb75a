import Foundation
import Glibc
import Identity
import Testing

@Suite("Ed25519 keys")
struct KeyTests {
    /// RFC 8032, section 7.1: tests 1, 2, 3 and SHA(abc).
    static let vectors: [(seed: String, key: String, message: String, signature: String)] = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                + "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                + "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
        (
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
                + "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"
        ),
    ]

    @Test("signatures are those of RFC 8032", arguments: vectors.indices)
    func vector(_ index: Int) throws {
        let vector = Self.vectors[index]
        let key = try SigningKey(seed: #require(Hexadecimal.decode(vector.seed)))
        let message = try #require(Hexadecimal.decode(vector.message))
        #expect(key.publicKey.hex == vector.key)
        #expect(Hexadecimal.encode(key.sign(message)) == vector.signature)
        #expect(key.publicKey.isValid(key.sign(message), of: message))
    }

    @Test("any flipped bit of a signature or message is noticed")
    func flipped() {
        let key = SigningKey()
        let message = Array("update of hospital-a".utf8)
        let signature = key.sign(message)
        for bit in 0..<(64 * 8) {
            var other = signature
            other[bit / 8] ^= 1 << (bit % 8)
            #expect(!key.publicKey.isValid(other, of: message))
        }
        #expect(!key.publicKey.isValid(signature, of: message + [0]))
        #expect(!key.publicKey.isValid([], of: message))
        #expect(!SigningKey().publicKey.isValid(signature, of: message))
    }

    @Test("a key survives PEM and its public half survives hexadecimal")
    func roundTrip() throws {
        let key = SigningKey()
        let again = try SigningKey(pem: key.pem)
        #expect(again.publicKey == key.publicKey)
        #expect(again.spki == key.spki)
        #expect(try VerifyingKey(hex: key.publicKey.hex) == key.publicKey)
        #expect(throws: IdentityError.self) { try VerifyingKey(hex: key.publicKey.hex.uppercased()) }
        #expect(throws: IdentityError.self) { try VerifyingKey(hex: "00") }
    }

    @Test("keys of other kinds, encrypted keys and rubbish are refused without a question on the terminal")
    func otherKeys() throws {
        let rsa = try OpenSSLCommand.run(["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"])
        #expect(throws: IdentityError.self) { try SigningKey(pem: rsa) }
        let encrypted = try OpenSSLCommand.run(
            ["genpkey", "-algorithm", "ED25519", "-aes-256-cbc", "-pass", "pass:secret"])
        #expect(throws: IdentityError.self) { try SigningKey(pem: encrypted) }
        #expect(throws: IdentityError.self) { try SigningKey(pem: "") }
        #expect(throws: IdentityError.self) { try SigningKey(pem: "-----BEGIN PRIVATE KEY-----\nAAAA\n") }
    }

    @Test("the openssl command verifies what a key signed")
    func independent() throws {
        let folder = try Folder()
        let key = SigningKey()
        let message = Array("a round's update".utf8)
        try folder.write("key.pem", Array(key.pem.utf8), mode: 0o600)
        try folder.write("message", message)
        try folder.write("signature", key.sign(message))
        let output = try OpenSSLCommand.run([
            "pkeyutl", "-verify", "-inkey", folder.path("key.pem"), "-rawin", "-in", folder.path("message"), "-sigfile",
            folder.path("signature"),
        ])
        #expect(output.contains("Verified Successfully"))
    }

    @Test("a key file others may read is refused, with the command that mends it", arguments: [0o640, 0o604, 0o660])
    func readableByOthers(_ mode: Int) throws {
        let folder = try Folder()
        try folder.write("key.pem", Array(SigningKey().pem.utf8), mode: mode)
        let error = #expect(throws: IdentityError.self) { try SigningKey.load(folder.path("key.pem")) }
        #expect(error?.code == .readableByOthers)
        #expect(error?.description.contains("chmod 600 \(folder.path("key.pem"))") == true)
        chmod(folder.path("key.pem"), 0o600)
        #expect(throws: Never.self) { try SigningKey.load(folder.path("key.pem")) }
    }

    @Test("a key file that is missing, empty or a folder is refused by name")
    func unreadable() throws {
        let folder = try Folder()
        try folder.write("empty", [], mode: 0o600)
        for name in ["missing", "empty", ""] {
            let error = #expect(throws: IdentityError.self) { try SigningKey.load(folder.path(name)) }
            #expect(error?.code == .unreadable)
            #expect(error?.description.contains(folder.path(name)) == true)
        }
    }
}

/// The system's `openssl` command: the independent implementation.
enum OpenSSLCommand {
    struct Failure: Error { let output: String }

    @discardableResult
    static func run(_ arguments: [String]) throws -> String {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/openssl")
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(output: output) }
        return output
    }
}

/// A folder for one test.
final class Folder {
    private let root: String

    init() throws {
        var template = Array("/tmp/identity.XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    func path(_ name: String) -> String { root + "/" + name }

    func write(_ name: String, _ bytes: [UInt8], mode: Int = 0o644) throws {
        try Data(bytes).write(to: URL(filePath: path(name)))
        try #require(chmod(path(name), mode_t(mode)) == 0)
    }
}
