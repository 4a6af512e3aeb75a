/// How signatures are judged; given, so that a simulation of a hundred thousand rounds need not compute curves.
package struct SignatureCheck: Sendable {
    /// Whether `signature` (hexadecimal) over a domain and a text is that of `signer` (hexadecimal public key).
    let isValid: @Sendable (_ domain: String, _ text: String, _ signature: String, _ signer: String) -> Bool

    package init(_ isValid: @escaping @Sendable (String, String, String, String) -> Bool) { self.isValid = isValid }
}

extension SignatureCheck {
    /// Ed25519 over domain, a zero byte, and text.
    package static let ed25519 = SignatureCheck { _, _, _, _ in fatalError("not yet") }
}
