package import NIOCore

/// What one listener allows. Every number is a default that a caller may change.
package struct ServerLimits: Sendable {
    /// Connections at once.
    package var connections = 1200
    /// Connections at once with one public key.
    package var connectionsPerPeer = 8
    /// Connections at once from one address.
    package var connectionsPerAddress = 64
    /// From the connection to the end of the TLS handshake.
    package var handshake = TimeAmount.seconds(10)
    /// From the wish to close to the end, for a peer that does not read what is left.
    package var shutdown = TimeAmount.seconds(10)
    /// A request's head: bytes, fields, and time from its first byte to its last.
    package var headBytes = 16 << 10
    package var headFields = 100
    package var headTime = TimeAmount.seconds(10)
    /// A body's bytes a second, averaged over `bodyWindow` of waiting for them.
    package var bodyRate = 8 << 10
    package var bodyWindow = TimeAmount.seconds(30)
    /// Between requests.
    package var idle = TimeAmount.seconds(75)
    /// How long a peer may take to read so much that more can be written to it.
    package var writeStall = TimeAmount.seconds(30)
    /// How long bytes sent may go unacknowledged (`TCP_USER_TIMEOUT`).
    package var unacknowledged = TimeAmount.seconds(60)
    /// Keep-alive probes: after this much silence, this often, so many.
    package var keepAliveIdle = TimeAmount.seconds(30)
    package var keepAliveInterval = TimeAmount.seconds(10)
    package var keepAliveCount = 3
    /// After a refusal, how long what the peer still sends is read and thrown away, so that it sees the answer.
    package var linger = TimeAmount.seconds(5)
    /// How long open requests may go on after the order to stop.
    package var drain = TimeAmount.seconds(5)

    package init() {}
}
