import Files
import Foundation
import Glibc
package import Identity

/// Keys of a site as files: made here, readable by their owner only, and never sent.
package enum KeyPair {
    /// What fresh keys are for, and what their files' names end with until they are in place.
    package enum Stage: String, CaseIterable {
        case renewal = ".next"
        /// A member's new keys, the signing key too.
        case enrolment = ".enrol"
    }

    /// Reads a key, or makes one where there is none.
    package static func loadOrMake(_ path: String) throws -> SigningKey {
        if access(path, F_OK) == 0 { return try SigningKey.load(path) }
        let key = SigningKey()
        // Written under a name of its own that must not exist, then put in place: half a key is never read.
        try DurableFile.write(Array(key.pem.utf8), to: path, mode: 0o600)
        return key
    }

    /// The key that is to take the TLS key's place; the same until it has.
    static func next(in folder: StateFolder) throws -> SigningKey {
        try loadOrMake(folder.tlsKey + Stage.renewal.rawValue)
    }

    /// Puts fresh keys and their chain in place. Killed in between, ``finishExchange(in:)`` ends it: a chain beside fresh
    /// keys says that they are certified.
    static func exchange(chain: String, in folder: StateFolder, stage: Stage) throws {
        try DurableFile.write(Array(chain.utf8), to: folder.tlsChain + stage.rawValue, mode: 0o600)
        try finishExchange(in: folder)
    }

    /// Ends an exchange that was begun.
    package static func finishExchange(in folder: StateFolder) throws {
        for stage in Stage.allCases where access(folder.tlsChain + stage.rawValue, F_OK) == 0 {
            // The chain goes last: as long as it is there, the others may have to follow.
            for file in [folder.signingKey, folder.tlsKey, folder.tlsChain]
            where access(file + stage.rawValue, F_OK) == 0 {
                guard rename(file + stage.rawValue, file) == 0 else {
                    throw AgentError(
                        .identity, "\(file) cannot be replaced; check the permissions of \(folder.identity)")
                }
            }
            DurableFile.synchronise(folder: folder.identity)
        }
    }

    /// Checks a chain that the coordinator gave: for this key, from this root.
    package static func check(chain pem: String, key: SigningKey, root: Certificate) throws {
        let chain = try Certificate.chain(pem: pem)
        guard let leaf = chain.first, leaf.spki == key.spki else {
            throw AgentError(
                .untrusted, "the certificate is for another key than this site's; tell the coordinator's operator")
        }
        let issuers = chain.dropFirst() + [root]
        guard zip(chain, issuers).allSatisfy({ $0.isIssued(by: $1) }) else {
            throw AgentError(
                .untrusted, "the certificate does not come from this federation's root; tell the coordinator's operator"
            )
        }
    }
}
