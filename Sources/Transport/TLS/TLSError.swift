/// Why a TLS connection did not come about or did not last.
package struct TLSError: Error, CustomStringConvertible, Sendable, Equatable {
    package enum Code: Sendable {
        /// The handshake was refused by this side or by the other.
        case handshake
        /// The handshake was not over in time.
        case handshakeTimeout
        /// The line ended without a close_notify: bytes may be missing.
        case truncated
        /// The peer sent something that is not TLS, or the record layer failed.
        case record
        /// This side cut the connection, such as when a site is revoked.
        case cut
    }

    package let code: Code
    package let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    package static let truncated = TLSError(
        .truncated, "the connection broke off in the middle: the other side did not close it")
    static let cut = TLSError(.cut, "the connection was cut by this side")
    static let handshakeTimeout = TLSError(.handshakeTimeout, "the TLS handshake was not over in time")
}
