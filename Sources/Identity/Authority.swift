import COpenSSL
package import Foundation

/// The federation's root: it signs issuing authorities and nothing else, and its key may be kept off the machine.
package struct RootAuthority: Sendable {
    package let certificate: Certificate
    package let key: SigningKey

    /// - Throws: `IdentityError` when the key is not the certificate's.
    package init(certificatePEM: String, key: SigningKey) throws {
        certificate = try Certificate(pem: certificatePEM)
        self.key = key
        guard key.spki == certificate.spki else {
            throw IdentityError(.malformed, "the root key does not belong to the root certificate")
        }
    }

    fileprivate init(certificate: Certificate, key: SigningKey) {
        self.certificate = certificate
        self.key = key
    }

    /// An issuing authority with a fresh key, for ten years or as long as the root lasts.
    package func makeIssuing(now: Date = Date()) throws -> Authority {
        let issuingKey = SigningKey()
        let draft = CertificateDraft(
            name: "Consilium issuing authority", key: issuingKey.key.raw, notBefore: Authority.start(now),
            notAfter: min(now.addingTimeInterval(10 * 365 * 86_400), certificate.notAfter),
            extensions: [
                (NID_basic_constraints, "critical,CA:TRUE,pathlen:0"),
                (NID_key_usage, "critical,keyCertSign,cRLSign"),
                (NID_subject_key_identifier, "hash"),
                (NID_authority_key_identifier, "keyid:always"),
            ])
        return try Authority(
            root: certificate, certificate: draft.signed(by: key, issuer: certificate), key: issuingKey)
    }
}

/// The authority that gives sites and the coordinator's server their certificates.
package struct Authority: Sendable {
    /// What a certificate is for.
    package enum Usage: Sendable {
        /// An agent's: a TLS client.
        case site
        /// A server's, known by these DNS names and addresses.
        case server(hosts: [String])
    }

    /// A week, in seconds.
    package static let leafLifetime = 7 * 86_400

    package let root: Certificate
    /// The issuing certificate.
    package let certificate: Certificate
    package let key: SigningKey

    /// Makes a root for twenty years; its key signs issuing authorities only.
    /// - Parameter name: Of the federation, for people who look at the certificate; at most 40 bytes are kept.
    package static func makeRoot(name: String, now: Date = Date()) throws -> RootAuthority {
        let key = SigningKey()
        let draft = CertificateDraft(
            name: "Consilium root \(String(decoding: name.utf8.prefix(40), as: UTF8.self))", key: key.key.raw,
            notBefore: start(now), notAfter: now.addingTimeInterval(20 * 365 * 86_400),
            extensions: [
                (NID_basic_constraints, "critical,CA:TRUE,pathlen:1"),
                (NID_key_usage, "critical,keyCertSign,cRLSign"),
                (NID_subject_key_identifier, "hash"),
                (NID_authority_key_identifier, "keyid:always"),
            ])
        return RootAuthority(certificate: try draft.signed(by: key, issuer: nil), key: key)
    }

    /// - Throws: `IdentityError` when root, issuing certificate and key do not belong together.
    package init(rootPEM: String, issuingPEM: String, key: SigningKey) throws {
        try self.init(root: Certificate(pem: rootPEM), certificate: Certificate(pem: issuingPEM), key: key)
    }

    init(root: Certificate, certificate: Certificate, key: SigningKey) throws {
        guard certificate.isIssued(by: root) else {
            throw IdentityError(.wrongSignature, "the issuing certificate is not signed by the root")
        }
        guard key.spki == certificate.spki else {
            throw IdentityError(.malformed, "the issuing key does not belong to the issuing certificate")
        }
        self.root = root
        self.certificate = certificate
        self.key = key
    }

    /// Gives a key a certificate.
    /// - Parameters:
    ///   - uri: Who it is, such as `urn:consilium:<federation>:site:<name>`.
    ///   - lifetime: Seconds; it starts five minutes before `now`, for clocks that differ.
    /// - Returns: PEM, the leaf first, then the issuing certificate; a server's chain ends with the root, since an agent
    ///   that enrols knows only the root's digest.
    package func issue(
        _ request: CertificateRequest, uri: String, usage: Usage, lifetime: Int = leafLifetime, now: Date = Date()
    ) throws -> String {
        guard SubjectName.isURI(uri) else {
            throw IdentityError(.malformed, "\"\(uri.prefix(80))\" cannot stand in a certificate")
        }
        var names = ["URI:\(uri)"]
        var purpose = "clientAuth"
        var chain = certificate.pem
        if case .server(let hosts) = usage {
            purpose = "serverAuth"
            chain += root.pem
            for host in hosts {
                guard SubjectName.isHost(host) else {
                    throw IdentityError(.malformed, "\"\(host.prefix(80))\" is not a host name or address")
                }
                names.append(SubjectName.isAddress(host) ? "IP:\(host)" : "DNS:\(host)")
            }
        }
        let draft = CertificateDraft(
            name: String(uri.split(separator: ":").last?.prefix(63) ?? "leaf"), key: request.key.raw,
            notBefore: Self.start(now),
            notAfter: min(now.addingTimeInterval(Double(lifetime)), certificate.notAfter),
            extensions: [
                (NID_basic_constraints, "critical,CA:FALSE"),
                (NID_key_usage, "critical,digitalSignature"),
                (NID_ext_key_usage, purpose),
                (NID_subject_alt_name, names.joined(separator: ",")),
                (NID_subject_key_identifier, "hash"),
                (NID_authority_key_identifier, "keyid:always"),
            ])
        return try draft.signed(by: key, issuer: certificate).pem + chain
    }

    /// Seconds by which certificates begin before they are issued, for clocks that differ.
    package static let head = 300.0

    fileprivate static func start(_ now: Date) -> Date { now.addingTimeInterval(-head) }
}
