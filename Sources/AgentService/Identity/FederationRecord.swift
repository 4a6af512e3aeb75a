import Federation
import Foundation
package import Identity

/// The federation a site belongs to: `identity/federation.json`, written last of all when it is enrolled.
package struct FederationRecord: Codable, Sendable, Equatable {
    package var federation: String
    package var site: String
    /// Where agents connect: `host:port`.
    package var address: String
    /// The key by which the coordinator signs plans, assignments and receipts.
    package var coordinatorKey: String

    package init(federation: String, site: String, address: String, coordinatorKey: String) {
        self.federation = federation
        self.site = site
        self.address = address
        self.coordinatorKey = coordinatorKey
    }
}

/// Who this site is, and whom it believes.
package struct SiteIdentity: Sendable {
    package let record: FederationRecord
    /// Signs consents, updates, reports and refusals.
    package let signingKey: SigningKey
    package let coordinatorKey: VerifyingKey
    /// The root certificate, PEM.
    package let root: String

    package init(record: FederationRecord, signingKey: SigningKey, coordinatorKey: VerifyingKey, root: String) {
        self.record = record
        self.signingKey = signingKey
        self.coordinatorKey = coordinatorKey
        self.root = root
    }

    /// Reads an enrolled site's identity and checks that its keys are private.
    /// - Throws: one sentence, also when the site is not enrolled.
    package static func load(_ folder: StateFolder) throws -> SiteIdentity {
        guard let record = try JSONFile.read(FederationRecord.self, from: folder.federation) else {
            throw AgentError(
                .identity,
                "\(folder.path) belongs to no federation yet; enrol this site with `agent enroll --state \(folder.path)`"
            )
        }
        try KeyPair.finishExchange(in: folder)
        // Read only to see that it is there, whole and private.
        _ = try SigningKey.load(folder.tlsKey)
        guard let root = FileManager.default.contents(atPath: folder.root) else {
            throw AgentError(.identity, "\(folder.root) cannot be read; restore it, or enrol this site anew")
        }
        return SiteIdentity(
            record: record, signingKey: try SigningKey.load(folder.signingKey),
            coordinatorKey: try VerifyingKey(hex: record.coordinatorKey), root: String(decoding: root, as: UTF8.self))
    }
}
