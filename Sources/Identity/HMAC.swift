import COpenSSL

/// Message authentication with a shared secret (RFC 2104).
package enum HMAC {
    /// HMAC-SHA-256.
    /// - Returns: 32 bytes.
    package static func sha256(key: [UInt8], _ bytes: [UInt8]) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: 32)
        var count = 0
        let result = EVP_Q_mac(
            nil, "HMAC", nil, "SHA256", nil, key, key.count, bytes, bytes.count, &code, code.count, &count)
        guard result != nil, count == 32 else {
            preconditionFailure("OpenSSL cannot compute HMAC-SHA-256: \(OpenSSLErrors.drain())")
        }
        return code
    }

    /// Whether two byte strings are the same, in a time that depends on their lengths only.
    package static func areEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        a.count == b.count && CRYPTO_memcmp(a, b, a.count) == 0
    }

    /// Whether a code, as hexadecimal digits, is the HMAC-SHA-256 of the bytes; in constant time.
    package static func isValid(_ code: String, key: [UInt8], _ bytes: [UInt8]) -> Bool {
        guard let code = Hexadecimal.decode(code) else { return false }
        return areEqual(code, sha256(key: key, bytes))
    }
}
