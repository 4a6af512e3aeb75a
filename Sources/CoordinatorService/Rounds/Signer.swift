package import Federation
import Identity
import Synchronization

/// Signs in the coordinator's name.
///
/// What was signed is remembered: a site that asks again gets the same bytes, and a thousand sites that ask for one plan
/// cost one signature.
package final class Signer: Sendable {
    private let key: SigningKey
    private let known = Mutex<[String: String]>([:])
    /// Signatures remembered before all are forgotten.
    private static let limit = 4096

    init(_ key: SigningKey) { self.key = key }

    package var publicKey: String { key.publicKey.hex }

    package func sign<Body: Message>(_ body: Body) throws -> Signed<Body> {
        let name = Body.domain + "\0" + (try MessageCoding.encode(body))
        let text = String(name.dropFirst(Body.domain.count + 1))
        if let signature = known.withLock({ $0[name] }) {
            return Signed(text: text, signature: signature, signer: publicKey)
        }
        let signature = Hexadecimal.encode(key.sign(Array(name.utf8)))
        known.withLock { known in
            if known.count >= Self.limit { known = [:] }
            known[name] = signature
        }
        return Signed(text: text, signature: signature, signer: publicKey)
    }
}
