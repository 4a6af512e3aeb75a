/// How far a TLS connection has come. Methods take what happened and return what to do; nothing is done here.
package struct TLSLifecycle {
    private enum Phase { case handshaking, open, closing, closed }

    private var phase = Phase.handshaking
    private var peerSaidGoodbye = false
    private var inputEnded = false

    package init() {}

    /// Whether plaintext may be written.
    package var mayWrite: Bool { phase == .open }
    /// Whether plaintext may still arrive. After this side closed it is read only to find the peer's goodbye.
    package var mayRead: Bool { phase == .open || phase == .closing }
    package var isHandshaking: Bool { phase == .handshaking }
    package var isClosed: Bool { phase == .closed }

    package mutating func handshakeSucceeded() {
        if phase == .handshaking { phase = .open }
    }

    /// - Returns: Whether the connection must end for it.
    package mutating func handshakeDeadlinePassed() -> Bool {
        guard phase == .handshaking else { return false }
        phase = .closed
        return true
    }

    /// The peer's close_notify came.
    /// - Returns: Whether the reader must be told that nothing more comes.
    package mutating func goodbyeReceived() -> Bool {
        peerSaidGoodbye = true
        defer { inputEnded = true }
        return !inputEnded
    }

    package enum End: Equatable {
        case nothing
        /// The reader must be told that nothing more comes.
        case endInput
        /// The connection failed, and the reader must be told why.
        case fail(TLSError)
    }

    /// The peer's half of the line ended.
    package mutating func lineEnded() -> End {
        switch phase {
        case .handshaking:
            phase = .closed
            return .fail(TLSError(.handshake, "the line ended during the TLS handshake"))
        case .open where !peerSaidGoodbye:
            phase = .closed
            return .fail(.truncated)
        case .open, .closing:
            defer { inputEnded = true }
            return inputEnded ? .nothing : .endInput
        case .closed: return .nothing
        }
    }

    /// The line is gone in both directions.
    package mutating func lineGone() -> End {
        defer { phase = .closed }
        switch phase {
        case .handshaking: return .fail(TLSError(.handshake, "the line ended during the TLS handshake"))
        case .open where !peerSaidGoodbye: return .fail(.truncated)
        default: return .nothing
        }
    }

    package enum Close: Equatable {
        /// Close the line as it is.
        case atOnce
        /// Write what is waiting, say goodbye, then close.
        case afterGoodbye
    }

    package mutating func closeRequested() -> Close {
        switch phase {
        case .handshaking, .closed:
            phase = .closed
            return .atOnce
        case .open, .closing: return .afterGoodbye
        }
    }

    /// The goodbye of this side was written.
    package mutating func goodbyeSent() {
        if phase == .open { phase = .closing }
    }

    /// - Returns: Whether this is the first failure, which is to be reported.
    package mutating func failed() -> Bool {
        defer { phase = .closed }
        return phase != .closed
    }
}
