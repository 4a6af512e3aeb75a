import COpenSSL
import Foundation

/// What was seen of a server's certificate when it was refused.
struct ServerFindings: Sendable {
    /// An `X509_V_ERR_…`.
    var error: Int32
    /// Who issued the last certificate of the chain, as the server presents it.
    var issuer: String
    /// Hosts and addresses the leaf is for.
    var names: [String]
    /// Validity of the certificate that failed.
    var notBefore: Date
    var notAfter: Date

    init(_ context: OpaquePointer, error: Int32) {
        self.error = error
        let sent = X509_STORE_CTX_get0_untrusted(context)
        let count = OPENSSL_sk_num(sent)
        let leaf = X509_STORE_CTX_get0_cert(context)
        let last = count > 0 ? OPENSSL_sk_value(sent, count - 1).map { OpaquePointer($0) } : leaf
        issuer = last.map { Self.name(X509_get_issuer_name($0)) } ?? "nobody"
        names = leaf.map(Self.hosts) ?? []
        let failed = X509_STORE_CTX_get_current_cert(context) ?? leaf
        notBefore = Self.date(failed.flatMap { X509_get0_notBefore($0) }) ?? .distantPast
        notAfter = Self.date(failed.flatMap { X509_get0_notAfter($0) }) ?? .distantFuture
    }

    /// Whether only the time was wrong.
    var isOutOfTime: Bool { error == X509_V_ERR_CERT_NOT_YET_VALID || error == X509_V_ERR_CERT_HAS_EXPIRED }

    /// A moment of a certificate; nil when it is malformed.
    static func date(_ time: UnsafePointer<ASN1_TIME>?) -> Date? {
        var parts = tm()
        guard let time, ASN1_TIME_to_tm(time, &parts) == 1 else { return nil }
        return Date(timeIntervalSince1970: Double(timegm(&parts)))
    }

    /// The common name, or else the organisation; made harmless for a terminal, since anybody can write it.
    private static func name(_ name: OpaquePointer?) -> String {
        for field in [NID_commonName, NID_organizationName, NID_organizationalUnitName] {
            var bytes = [CChar](repeating: 0, count: 256)
            let count = X509_NAME_get_text_by_NID(name, field, &bytes, Int32(bytes.count))
            if count > 0 { return PlainText.line(bytes.prefix(Int(count)).map { UInt8(bitPattern: $0) }, limit: 80) }
        }
        return "without a name"
    }

    private static func hosts(_ leaf: OpaquePointer) -> [String] {
        guard let raw = X509_get_ext_d2i(leaf, NID_subject_alt_name, nil, nil) else { return [] }
        let list = OpaquePointer(raw)
        defer { GENERAL_NAMES_free(list) }
        return (0..<max(0, OPENSSL_sk_num(list))).compactMap { index in
            guard let raw = OPENSSL_sk_value(list, index) else { return nil }
            var kind: Int32 = 0
            let value = GENERAL_NAME_get0_value(raw.assumingMemoryBound(to: GENERAL_NAME.self), &kind)
            guard kind == GEN_DNS || kind == GEN_IPADD, let text = value.map({ OpaquePointer($0) }) else { return nil }
            let string = UnsafePointer<ASN1_STRING>(text)
            let bytes = [UInt8](
                UnsafeBufferPointer(start: ASN1_STRING_get0_data(string), count: Int(ASN1_STRING_length(string))))
            if kind == GEN_DNS { return PlainText.line(bytes, limit: 100) }
            if bytes.count == 4 { return bytes.map(String.init).joined(separator: ".") }
            return bytes.count == 16 ? address(bytes) : nil
        }
    }

    private static func address(_ bytes: [UInt8]) -> String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        _ = bytes.withUnsafeBytes { inet_ntop(AF_INET6, $0.baseAddress, &text, socklen_t(text.count)) }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Text from outside, made fit for one line of a terminal or a log.
enum PlainText {
    static func line(_ bytes: some Sequence<UInt8>, limit: Int) -> String {
        let text = String(decoding: Array(bytes), as: UTF8.self)
        let plain = text.unicodeScalars.map { scalar -> Character in
            switch scalar.properties.generalCategory {
            case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: " "
            default: Character(scalar)
            }
        }
        return plain.count > limit ? String(plain.prefix(limit)) + "…" : String(plain)
    }
}
