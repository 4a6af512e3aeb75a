package import Foundation

/// Who is at the other end, as the verified certificate says.
package struct PeerIdentity: Sendable, Hashable {
    /// SHA-256 of the certificate's SubjectPublicKeyInfo, 64 lower-case hexadecimal digits. Only this is looked up in
    /// the allow-list.
    package let publicKey: String
    /// The URIs of its subject alternative name.
    package let uris: [String]
    package let notBefore: Date
    package let notAfter: Date

    package init(publicKey: String, uris: [String], notBefore: Date, notAfter: Date) {
        self.publicKey = publicKey
        self.uris = uris
        self.notBefore = notBefore
        self.notAfter = notAfter
    }
}

/// What is known of a connection as long as it lasts.
package struct ConnectionFacts: Sendable {
    /// Nil where no client certificate is asked for.
    package var peer: PeerIdentity?
    /// 32 bytes both ends of this TLS connection know and nobody else (RFC 8446, section 7.5; label
    /// `EXPORTER-consilium-enrol`, no context); empty without TLS.
    package var exporter: [UInt8]
    /// The peer's address such as `192.0.2.7`, for logs and limits; nil on a Unix socket.
    package var address: String?
    /// The user at the other end of a Unix socket.
    package var user: UInt32?

    package init(
        peer: PeerIdentity? = nil, exporter: [UInt8] = [], address: String? = nil, user: UInt32? = nil
    ) {
        self.peer = peer
        self.exporter = exporter
        self.address = address
        self.user = user
    }
}
