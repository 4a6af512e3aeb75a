import COpenSSL

/// A request for a certificate (PKCS #10, RFC 2986). Only its key matters: who it is for is decided by the issuer, so
/// subject and attributes are ignored.
package struct CertificateRequest: Sendable {
    /// The longest request that is read.
    package static let byteLimit = 4 << 10

    let key: EVPKey
    package let pem: String
    /// SHA-256 of the SubjectPublicKeyInfo.
    package let spki: String

    /// Asks for a certificate of a key.
    package static func make(key: SigningKey) throws -> CertificateRequest {
        guard let request = X509_REQ_new() else { throw IdentityError.openSSL("cannot make a certificate request") }
        defer { X509_REQ_free(request) }
        guard X509_REQ_set_version(request, 0) == 1, X509_REQ_set_pubkey(request, key.key.raw) == 1,
            X509_REQ_sign(request, key.key.raw, nil) > 0
        else { throw IdentityError.openSSL("cannot make a certificate request") }
        return try CertificateRequest(pem: PEM.write { PEM_write_bio_X509_REQ($0, request) })
    }

    /// Reads a request from outside.
    /// - Throws: `IdentityError` unless it is at most 4 KiB of PEM, of an Ed25519, P-256 or P-384 key, and signed by it.
    package init(pem: String) throws {
        guard pem.utf8.count <= Self.byteLimit else {
            throw IdentityError(.malformed, "a certificate request has at most \(Self.byteLimit) bytes")
        }
        defer { ERR_clear_error() }
        let request = PEM.read(pem) { PEM_read_bio_X509_REQ($0, nil, PEM.noPassphrase, nil) }
        guard let request else { throw IdentityError(.malformed, "this is no certificate request in PEM") }
        defer { X509_REQ_free(request) }
        guard let raw = X509_REQ_get_pubkey(request) else {
            throw IdentityError(.malformed, "the certificate request has no readable key")
        }
        key = EVPKey(taking: raw)
        guard Self.isSupported(raw) else {
            throw IdentityError(.unsupported, "a certificate is given for an Ed25519, P-256 or P-384 key only")
        }
        guard X509_REQ_verify(request, raw) == 1 else {
            throw IdentityError(.wrongSignature, "the certificate request is not signed by its own key")
        }
        self.pem = pem
        spki = SubjectPublicKeyInfo.digest(of: raw)
    }

    private static func isSupported(_ key: OpaquePointer) -> Bool {
        switch EVP_PKEY_get_base_id(key) {
        case EVP_PKEY_ED25519: return true
        case EVP_PKEY_EC:
            // A curve spelled out by its parameters could differ from the one it resembles.
            var isExplicit: Int32 = 0
            guard EVP_PKEY_get_int_param(key, "decoded-from-explicit", &isExplicit) == 1, isExplicit == 0 else {
                return false
            }
            var name = [CChar](repeating: 0, count: 64)
            guard EVP_PKEY_get_group_name(key, &name, name.count, nil) == 1 else { return false }
            let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            return text == "prime256v1" || text == "secp384r1"
        default: return false
        }
    }
}
