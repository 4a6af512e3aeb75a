import COpenSSL

/// An Ed25519 public key.
package struct VerifyingKey: Sendable, Hashable {
    /// 32 bytes.
    package let bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// - Parameter hex: 64 lower-case hexadecimal digits.
    package init(hex: String) throws {
        guard let bytes = Hexadecimal.decode(hex), bytes.count == 32 else {
            throw IdentityError(
                .malformed, "a public key is 64 lower-case hexadecimal digits, not \"\(hex.prefix(80))\"")
        }
        self.bytes = bytes
    }

    /// 64 lower-case hexadecimal digits.
    package var hex: String { Hexadecimal.encode(bytes) }

    /// Whether the owner of this key signed these bytes.
    package func isValid(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        guard signature.count == 64, let key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, bytes, bytes.count),
            let context = EVP_MD_CTX_new()
        else { return false }
        defer {
            EVP_MD_CTX_free(context)
            EVP_PKEY_free(key)
        }
        defer { ERR_clear_error() }
        guard EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1 else { return false }
        return EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }
}
