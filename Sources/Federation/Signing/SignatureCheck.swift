package import Identity

/// How signatures are judged; given, so that a simulation of a hundred thousand rounds need not compute curves.
package struct SignatureCheck: Sendable {
    /// Whether `signature` (hexadecimal) over a domain and a text is that of `signer` (hexadecimal public key).
    let isValid: @Sendable (_ domain: String, _ text: String, _ signature: String, _ signer: String) -> Bool

    package init(_ isValid: @escaping @Sendable (String, String, String, String) -> Bool) { self.isValid = isValid }

    /// Ed25519 over the domain, a zero byte, and the text.
    package static let ed25519 = SignatureCheck { domain, text, signature, signer in
        guard let key = try? VerifyingKey(hex: signer), let signature = Hexadecimal.decode(signature) else {
            return false
        }
        return key.isValid(signature, of: signedBytes(domain, text))
    }

    /// What is signed: no message of one kind is the beginning of another's, since no domain holds a zero byte.
    static func signedBytes(_ domain: String, _ text: String) -> [UInt8] {
        Array(domain.utf8) + [0] + Array(text.utf8)
    }
}

extension Signed {
    /// A message, signed.
    package init(_ body: Body, by key: SigningKey) throws {
        let text = try MessageCoding.encode(body)
        self.init(
            text: text, signature: Hexadecimal.encode(key.sign(SignatureCheck.signedBytes(Body.domain, text))),
            signer: key.publicKey.hex)
    }

    /// The message, if that key signed it.
    /// - Throws: ``Problem`` with `wrong-signature`, or `malformed` when the text is another message.
    package func verified(by key: VerifyingKey) throws(Problem) -> Body {
        guard signer == key.hex, SignatureCheck.ed25519.isValid(Body.domain, text, signature, signer) else {
            throw Problem(.wrongSignature, "The message is not signed with the expected key \(key.hex.prefix(8))….")
        }
        return try body()
    }

    /// The message as it is told, whoever signed it.
    /// - Throws: ``Problem`` with `malformed`.
    package func body() throws(Problem) -> Body {
        do {
            return try MessageCoding.decode(Body.self, from: text)
        } catch { throw Problem(.malformed, "The signed text is not the message it should be: \(Body.domain).") }
    }
}
