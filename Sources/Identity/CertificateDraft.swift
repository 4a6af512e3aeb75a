import COpenSSL
import Foundation

/// What a certificate is to say, until it is signed. Extensions are those of RFC 5280, so that strict verification
/// (`X509_V_FLAG_X509_STRICT`) accepts the chain.
struct CertificateDraft {
    /// The common name; nobody reads it but people.
    var name: String
    var key: OpaquePointer
    var notBefore: Date
    var notAfter: Date
    /// Extensions as OpenSSL's configuration writes them; every value is made of checked parts.
    var extensions: [(nid: Int32, value: String)]

    /// - Parameter issuer: Nil for a certificate that signs itself.
    func signed(by signer: SigningKey, issuer: Certificate?) throws -> Certificate {
        guard let raw = X509_new() else { throw IdentityError.openSSL("cannot make a certificate") }
        let certificate = X509Certificate(taking: raw)
        let serial = BN_bin2bn(Random.bytes(16), 16, nil)
        defer { BN_free(serial) }
        let subject = X509_get_subject_name(raw)
        let nameBytes = Array(name.utf8)
        guard X509_set_version(raw, 2) == 1,
            BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(raw)) != nil,
            ASN1_TIME_set(X509_getm_notBefore(raw), time_t(notBefore.timeIntervalSince1970)) != nil,
            ASN1_TIME_set(X509_getm_notAfter(raw), time_t(notAfter.timeIntervalSince1970)) != nil,
            X509_set_pubkey(raw, key) == 1,
            X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, nameBytes, Int32(nameBytes.count), -1, 0) == 1,
            X509_set_issuer_name(raw, issuer.map { X509_get_subject_name($0.x509.raw) } ?? subject) == 1
        else { throw IdentityError.openSSL("cannot fill in a certificate") }
        for (nid, value) in extensions { try add(nid, value, to: raw, issuer: issuer?.x509.raw ?? raw) }
        guard X509_sign(raw, signer.key.raw, nil) > 0 else { throw IdentityError.openSSL("cannot sign a certificate") }
        return try Certificate(certificate)
    }

    private func add(_ nid: Int32, _ value: String, to raw: OpaquePointer, issuer: OpaquePointer) throws {
        var context = X509V3_CTX()
        X509V3_set_ctx(&context, issuer, raw, nil, nil, 0)
        guard let made = X509V3_EXT_conf_nid(nil, &context, nid, value) else {
            throw IdentityError.openSSL("cannot write \"\(value)\" in a certificate")
        }
        defer { X509_EXTENSION_free(made) }
        guard X509_add_ext(raw, made, -1) == 1 else { throw IdentityError.openSSL("cannot extend a certificate") }
    }
}
