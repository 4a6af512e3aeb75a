import COpenSSL
package import Foundation

/// An X.509 certificate.
package struct Certificate: Sendable {
    let x509: X509Certificate
    package let pem: String
    /// SHA-256 of the SubjectPublicKeyInfo, 64 lower-case hexadecimal digits: the name of the key.
    package let spki: String
    /// The URIs of the subject alternative name, in order.
    package let uris: [String]
    package let notBefore: Date
    package let notAfter: Date
    /// Upper-case hexadecimal digits.
    package let serial: String

    /// Reads the first certificate of a PEM text.
    package init(pem: String) throws {
        let raw = PEM.read(pem) { PEM_read_bio_X509($0, nil, PEM.noPassphrase, nil) }
        guard let raw else {
            _ = OpenSSLErrors.drain()
            throw IdentityError(.malformed, "this is no certificate in PEM")
        }
        try self.init(X509Certificate(taking: raw))
    }

    /// A certificate that OpenSSL holds, such as a connection's peer.
    /// - Parameter raw: An `X509`; its reference count is raised.
    package init(sharing raw: OpaquePointer) throws {
        X509_up_ref(raw)
        try self.init(X509Certificate(taking: raw))
    }

    init(_ x509: X509Certificate) throws {
        let raw = x509.raw
        guard let notBefore = Self.date(X509_get0_notBefore(raw)), let notAfter = Self.date(X509_get0_notAfter(raw))
        else { throw IdentityError(.malformed, "the certificate's dates are malformed") }
        self.x509 = x509
        self.notBefore = notBefore
        self.notAfter = notAfter
        pem = try PEM.write { PEM_write_bio_X509($0, raw) }
        spki = SubjectPublicKeyInfo.digest(ofCertificate: raw)
        uris = Self.uris(of: raw)
        serial = Self.serial(of: raw)
    }

    /// Reads all certificates of a PEM text, in order.
    package static func chain(pem: String) throws -> [Certificate] {
        let end = "-----END CERTIFICATE-----"
        var rest = pem[...]
        var chain: [Certificate] = []
        while let range = rest.range(of: end) {
            chain.append(try Certificate(pem: String(rest[..<range.upperBound]) + "\n"))
            rest = rest[range.upperBound...]
        }
        guard !chain.isEmpty else { throw IdentityError(.malformed, "there is no certificate in this text") }
        return chain
    }

    /// Lends the `X509`; it is valid within `body`.
    package func withX509<Result>(_ body: (OpaquePointer) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(x509) { try body(x509.raw) }
    }

    /// Whether this certificate carries the issuer's signature and name.
    package func isIssued(by issuer: Certificate) -> Bool {
        defer { ERR_clear_error() }
        return X509_check_issued(issuer.x509.raw, x509.raw) == X509_V_OK
            && X509_verify(x509.raw, X509_get0_pubkey(issuer.x509.raw)) == 1
    }

    private static func date(_ time: UnsafePointer<ASN1_TIME>?) -> Date? {
        var parts = tm()
        guard let time, ASN1_TIME_to_tm(time, &parts) == 1 else { return nil }
        return Date(timeIntervalSince1970: Double(timegm(&parts)))
    }

    private static func uris(of raw: OpaquePointer) -> [String] {
        guard let names = X509_get_ext_d2i(raw, NID_subject_alt_name, nil, nil).map({ OpaquePointer($0) }) else {
            return []
        }
        defer { GENERAL_NAMES_free(names) }
        return (0..<OPENSSL_sk_num(names)).compactMap { index in
            let name = OPENSSL_sk_value(names, index)?.assumingMemoryBound(to: GENERAL_NAME.self)
            var kind: Int32 = 0
            guard let value = GENERAL_NAME_get0_value(name, &kind), kind == GEN_URI else { return nil }
            let text = value.assumingMemoryBound(to: ASN1_STRING.self)
            let bytes = UnsafeBufferPointer(start: ASN1_STRING_get0_data(text), count: Int(ASN1_STRING_length(text)))
            // A zero byte within a name has fooled other programs; printable ASCII is all that is issued.
            guard bytes.allSatisfy({ (33...126).contains($0) }) else { return nil }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    private static func serial(of raw: OpaquePointer) -> String {
        let number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(raw), nil)
        defer { BN_free(number) }
        guard let digits = BN_bn2hex(number) else { return "" }
        defer { CRYPTO_free(digits, #file, #line) }
        return String(cString: digits)
    }
}

/// The owner of an `X509` that nobody changes once it is read or signed; OpenSSL counts references and caches parsed
/// extensions under its own lock, so threads may share it: hence `@unchecked`.
final class X509Certificate: @unchecked Sendable {
    let raw: OpaquePointer

    init(taking raw: OpaquePointer) { self.raw = raw }

    deinit { X509_free(raw) }
}
