package import Foundation

/// Where a client connects, whom it believes and how fast it may go.
package struct ClientSettings: Sendable {
    /// What makes a server the right one.
    package enum Trust: Sendable, Equatable {
        /// Its chain ends in this root certificate (PEM), and in no other: the system's store is never looked at.
        case root(pem: String)
        /// Its chain, as it presents it, ends in a root whose public key has this SHA-256 (of the
        /// SubjectPublicKeyInfo, 64 hexadecimal digits). For enrolment, when the root is not yet at hand.
        case pinnedRoot(spki: String)
    }

    /// A client certificate and its key, as files; read again when they change.
    package struct Identity: Sendable, Equatable {
        /// Path of the chain, PEM, leaf first.
        package var certificate: String
        /// Path of the private key, PEM.
        package var key: String

        package init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    /// `host:port`, `[IPv6]:port`.
    package var address: String
    /// With a path, the server is this Unix socket and the language plain HTTP.
    package var unixSocket: String?
    /// Required unless `unixSocket` is given.
    package var trust: Trust?
    package var identity: Identity?
    package var proxy: ProxyChoice
    /// Bytes per second this client may send; 0: no limit.
    package var sendLimit: Int
    /// Bytes per second this client may receive; 0: no limit.
    package var receiveLimit: Int
    /// How long a transfer may stand still before it counts as cut. Not a limit on how long it takes.
    package var patience: Duration
    /// How long to wait for a connection, the proxy's consent and the TLS handshake together.
    package var connectPatience: Duration
    /// This machine's clock, by which certificates are judged.
    package var clock: @Sendable () -> Date = { Date() }

    package init(
        address: String, trust: Trust, identity: Identity? = nil, proxy: ProxyChoice = .environment,
        sendLimit: Int = 0, receiveLimit: Int = 0, patience: Duration = .seconds(60),
        connectPatience: Duration = .seconds(20)
    ) {
        self.address = address
        self.trust = trust
        self.identity = identity
        self.proxy = proxy
        self.sendLimit = sendLimit
        self.receiveLimit = receiveLimit
        self.patience = patience
        self.connectPatience = connectPatience
    }

    /// A client of a control socket.
    package init(unixSocket path: String, patience: Duration = .seconds(60)) {
        address = "localhost:80"
        unixSocket = path
        proxy = .none
        sendLimit = 0
        receiveLimit = 0
        self.patience = patience
        connectPatience = .seconds(5)
    }
}
