/// What an agent asks of the enrolment listener.
package struct EnrolmentRequest: Codable, Sendable, Equatable {
    package var site: String
    /// The TLS key's certificate request, PEM, at most 4 KiB.
    package var request: String
    /// The key that will sign updates: 64 hexadecimal digits of an Ed25519 public key.
    package var signingKey: String
    /// HMAC-SHA-256 by the code's secret over `SHA-256(SPKI of the request) || signing key (32 bytes) || TLS exporter`
    /// (32 bytes, label `EXPORTER-consilium-enrol`, no context); 64 hexadecimal digits.
    package var confirmation: String

    package init(site: String, request: String, signingKey: String, confirmation: String) {
        self.site = site
        self.request = request
        self.signingKey = signingKey
        self.confirmation = confirmation
    }
}

/// How an enrolment stands; the agent asks again until it is decided.
package struct EnrolmentAnswer: Codable, Sendable, Equatable {
    package enum State: String, Codable, Sendable { case pending, approved, refused }

    package var state: State
    /// Eight words of the key's SHA-256; both sides show it.
    package var fingerprint: String
    /// Leaf first, then the issuing authority; PEM. Only when approved, like what follows.
    package var chain: String?
    /// The root certificate, PEM.
    package var root: String?
    package var federation: String?
    /// Where agents connect: `host:port`.
    package var address: String?
    /// The coordinator's signing key.
    package var coordinatorKey: String?
    package var reason: String?

    package init(
        state: State, fingerprint: String, chain: String? = nil, root: String? = nil, federation: String? = nil,
        address: String? = nil, coordinatorKey: String? = nil, reason: String? = nil
    ) {
        self.state = state
        self.fingerprint = fingerprint
        self.chain = chain
        self.root = root
        self.federation = federation
        self.address = address
        self.coordinatorKey = coordinatorKey
        self.reason = reason
    }
}

/// A fresh key asking for a certificate in the name of the one that carries the connection.
package struct RenewalRequest: Codable, Sendable, Equatable {
    package var request: String
    package init(request: String) { self.request = request }
}

package struct RenewalAnswer: Codable, Sendable, Equatable {
    package var chain: String
    package init(chain: String) { self.chain = chain }
}
