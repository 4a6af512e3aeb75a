import Cryptography
import Identity
import Testing

@Suite("Codes and fingerprints")
struct CodeTests {
    /// RFC 4231: test cases 1 to 4, 6 and 7.
    @Test(
        "HMAC-SHA-256 is that of RFC 4231",
        arguments: [
            (
                String(repeating: "0b", count: 20), "4869205468657265",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (
                String(repeating: "aa", count: 20), String(repeating: "dd", count: 50),
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
            ),
            (
                "0102030405060708090a0b0c0d0e0f10111213141516171819", String(repeating: "cd", count: 50),
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
            ),
            (
                String(repeating: "aa", count: 131),
                "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
            ),
        ])
    func hmac(_ key: String, _ message: String, _ code: String) throws {
        let key = try #require(Hexadecimal.decode(key))
        let message = try #require(Hexadecimal.decode(message))
        #expect(Hexadecimal.encode(HMAC.sha256(key: key, message)) == code)
        #expect(HMAC.isValid(code, key: key, message))
        #expect(!HMAC.isValid(code, key: key, message + [0]))
        #expect(!HMAC.isValid(String(code.dropLast(2)), key: key, message))
    }

    /// RFC 4648, section 10, in lower case and without padding; the check is four characters more.
    @Test(
        "base 32 is that of RFC 4648",
        arguments: [
            ("", ""), ("f", "my"), ("fo", "mzxq"), ("foo", "mzxw6"), ("foob", "mzxw6yq"), ("fooba", "mzxw6ytb"),
            ("foobar", "mzxw6ytboi"),
        ])
    func base32(_ text: String, _ code: String) throws {
        let encoded = Base32.encode(Array(text.utf8))
        #expect(encoded.dropLast(4) == code)
        #expect(try Base32.decode(encoded) == Array(text.utf8))
        #expect(try Base32.decode(encoded.uppercased()) == Array(text.utf8))
        #expect(throws: IdentityError.self) { try Base32.decode(encoded, context: "another") }
    }

    static func code(host: String = "consilium.example") throws -> EnrolmentCode {
        try EnrolmentCode(
            site: "hospital-a", host: host, port: 8444, rootKey: SHA256.hex(of: .init(start: nil, count: 0)))
    }

    @Test("a code comes back from its line", arguments: ["consilium.example", "192.0.2.1", "2001:db8::1"])
    func roundTrip(_ host: String) throws {
        let code = try Self.code(host: host)
        #expect(try EnrolmentCode(parsing: code.text) == code)
        #expect(try EnrolmentCode(parsing: "  \(code.text)\n") == code)
        #expect(!code.text.contains(" "))
        #expect(code.secret.count == 20)
        #expect(code.address == (host.contains(":") ? "[\(host)]:8444" : "\(host):8444"))
        #expect(try Self.code(host: host).secret != code.secret)
    }

    @Test("every typing error of one character anywhere in the line is found")
    func typingErrors() throws {
        let text = Array(try Self.code().text.utf8)
        for index in text.indices {
            for wrong in ["a", "7", "-"] where text[index] != UInt8(ascii: Unicode.Scalar(wrong) ?? "a") {
                var other = text
                other[index] = Array(wrong.utf8)[0]
                #expect(throws: IdentityError.self) {
                    try EnrolmentCode(parsing: String(decoding: other, as: UTF8.self))
                }
            }
            var shorter = text
            shorter.remove(at: index)
            #expect(throws: IdentityError.self) { try EnrolmentCode(parsing: String(decoding: shorter, as: UTF8.self)) }
        }
    }

    @Test("the error says what to do")
    func plainErrors() throws {
        let text = try Self.code().text
        let typo = #expect(throws: IdentityError.self) { try EnrolmentCode(parsing: text + "a") }
        #expect(typo?.description.contains("typing error") == true)
        let other = #expect(throws: IdentityError.self) { try EnrolmentCode(parsing: "hello") }
        #expect(other?.description.contains("copy the whole line again") == true)
        #expect(throws: IdentityError.self) { try EnrolmentCode(parsing: text + " " + text) }
        #expect(throws: IdentityError.self) { try EnrolmentCode(parsing: "") }
    }

    @Test("a confirmation fits one request, one signing key and one connection")
    func confirmation() throws {
        let code = try Self.code()
        let (tls, signing, exporter) = (SigningKey(), SigningKey(), Random.bytes(32))
        func isConfirmed(_ text: String, _ request: String, _ key: VerifyingKey, _ exporter: [UInt8]) -> Bool {
            EnrolmentCode.isConfirmed(
                text, key: code.confirmationKey, request: request, signingKey: key, exporter: exporter)
        }
        let text = EnrolmentCode.confirmation(
            key: code.confirmationKey, request: tls.spki, signingKey: signing.publicKey, exporter: exporter)
        #expect(isConfirmed(text, tls.spki, signing.publicKey, exporter))
        #expect(!isConfirmed(text, SigningKey().spki, signing.publicKey, exporter))
        #expect(!isConfirmed(text, tls.spki, SigningKey().publicKey, exporter))
        #expect(!isConfirmed(text, tls.spki, signing.publicKey, Random.bytes(32)))
        #expect(try Self.code().confirmationKey != code.confirmationKey)
        #expect(code.confirmationKey != code.secret)
    }

    @Test("a fingerprint is eight words, one for each of the digest's first bytes")
    func fingerprint() {
        let digest = "00ff10" + String(repeating: "0", count: 58)
        let words = Fingerprint.words(of: digest).split(separator: " ").map(String.init)
        #expect(words.count == 8)
        #expect(words[3...].allSatisfy { $0 == words[0] })
        #expect(Set(words).count == 3)
        #expect(Fingerprint.words(of: "no digest").isEmpty)
        let all = (0..<256).map { byte in
            Fingerprint.words(of: Hexadecimal.encode([UInt8(byte)]) + String(repeating: "0", count: 62))
                .split(separator: " ")[0]
        }
        #expect(Set(all).count == 256)
        // Both sides must show the same words in every version.
        #expect(Self.digest(all.joined(separator: " ")) == Self.listDigest)
    }

    static let listDigest = "54c4dc3a3be73d8d4c2544d6ddb17edaed19b66175af1ca266bb860b5bbf9697"

    static func digest(_ text: String) -> String {
        var hash = SHA256()
        hash.update(text)
        return hash.finish()
    }
}
