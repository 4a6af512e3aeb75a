import Files
import Foundation
package import Identity

/// The keys and certificates of a state folder.
package struct AuthorityFolder: Sendable {
    private let folder: StateFolder

    package init(_ folder: StateFolder) { self.folder = folder }

    /// Makes the whole of it: root, issuing authority, signing key. The server's own key is never on disk: see
    /// ``ServerCertificate``.
    /// - Parameter federation: its name, for people who look at the certificates.
    /// - Returns: the signing key, and the SHA-256 of the root's key.
    package func make(federation: String) throws -> (signingKey: SigningKey, rootKey: String) {
        let root = try Authority.makeRoot(name: federation)
        let issuing = try root.makeIssuing()
        let signingKey = SigningKey()
        try write(root.key.pem, "root.key")
        try write(root.certificate.pem, "root.pem")
        try write(issuing.key.pem, "issuing.key")
        try write(issuing.certificate.pem, "issuing.pem")
        try write(signingKey.pem, "signing.key")
        return (signingKey, root.certificate.spki)
    }

    package func signingKey() throws -> SigningKey { try SigningKey.load(folder.authority("signing.key")) }

    package func authority() throws -> Authority {
        try Authority(
            rootPEM: read("root.pem"), issuingPEM: read("issuing.pem"),
            key: SigningKey.load(folder.authority("issuing.key")))
    }

    private func write(_ text: String, _ name: String) throws {
        try DurableFile.write(text.utf8, to: folder.authority(name))
    }

    private func read(_ name: String) throws -> String {
        guard let data = FileManager.default.contents(atPath: folder.authority(name)) else {
            throw OperatorError("\(folder.authority(name)) cannot be read; restore it from a backup")
        }
        return String(decoding: data, as: UTF8.self)
    }
}
