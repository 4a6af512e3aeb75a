package import Identity
import Synchronization

/// A server's certificates and key. They may be replaced while the server runs: connections made from then on get the
/// new ones, those that are open go on.
package final class TLSIdentity: Sendable {
    struct Material: Sendable {
        let chain: [Certificate]
        let key: SigningKey
        let version: Int
    }

    private let material: Mutex<Material>

    /// - Parameter chainPEM: The leaf first, then its issuers; with the root where clients know only the root's digest.
    /// - Throws: `IdentityError` when the key is not the leaf's.
    package init(chainPEM: String, key: SigningKey) throws {
        material = Mutex(try Self.check(chainPEM, key, version: 1))
    }

    package convenience init(chainPEM: String, keyPEM: String) throws {
        try self.init(chainPEM: chainPEM, key: SigningKey(pem: keyPEM))
    }

    /// Serves other certificates from the next connection on.
    package func replace(chainPEM: String, key: SigningKey) throws {
        let checked = try Self.check(chainPEM, key, version: 0)
        material.withLock { $0 = Material(chain: checked.chain, key: checked.key, version: $0.version + 1) }
    }

    /// The leaf that is served now.
    package var leaf: Certificate { current.chain[0] }

    var current: Material { material.withLock { $0 } }

    private static func check(_ chainPEM: String, _ key: SigningKey, version: Int) throws -> Material {
        let chain = try Certificate.chain(pem: chainPEM)
        guard chain[0].spki == key.spki else {
            throw IdentityError(.malformed, "the server's key does not belong to its certificate")
        }
        return Material(chain: chain, key: key, version: version)
    }
}

/// How a listener speaks TLS.
package struct ServerTLS: Sendable {
    package enum Clients: Sendable {
        /// No certificate is asked for.
        case anonymous
        /// A certificate for TLS clients under this root is required.
        case certified(root: Certificate)
    }

    package var identity: TLSIdentity
    package var clients: Clients

    package init(identity: TLSIdentity, clients: Clients) {
        self.identity = identity
        self.clients = clients
    }
}
