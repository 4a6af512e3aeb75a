import COpenSSL
import Cryptography

/// A public key as certificates carry it (RFC 5280, section 4.1.2.7); its SHA-256 is how peers are known.
enum SubjectPublicKeyInfo {
    /// 64 lower-case hexadecimal digits.
    static func digest(of key: OpaquePointer) -> String { digest { i2d_PUBKEY(key, $0) } }

    /// Of a certificate's key, as the certificate encodes it.
    static func digest(ofCertificate certificate: OpaquePointer) -> String {
        digest { i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), $0) }
    }

    private static func digest(
        _ encode: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> Int32
    ) -> String {
        var start: UnsafeMutablePointer<UInt8>?
        let count = encode(&start)
        guard count > 0, let start else {
            preconditionFailure("a public key that OpenSSL cannot encode: \(OpenSSLErrors.drain())")
        }
        defer { CRYPTO_free(start, #file, #line) }
        return SHA256.hex(of: UnsafeRawBufferPointer(start: start, count: Int(count)))
    }
}
