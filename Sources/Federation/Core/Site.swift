/// A hospital, as the coordinator knows it.
package struct Site: Sendable, Equatable {
    package enum Standing: String, Codable, Sendable {
        /// A code was issued.
        case invited
        /// Somebody with the code asks to be let in.
        case requested
        case active
        case revoked
    }

    /// Keys that ask to be let in.
    package struct Request: Sendable, Equatable {
        package var publicKey: String
        package var signingKey: String
    }

    package var name: String
    package var standing: Standing
    /// TLS keys (SHA-256 of the SPKI), the newest last, at most two: a renewal must not cut what still runs.
    package var publicKeys: [String]
    package var signingKey: String?
    package var request: Request?
    /// Of the newest code.
    package var codeExpires: Timestamp?
    package var added: Timestamp
    package var approved: Timestamp?
    package var revoked: Timestamp?
}
