/// Why a request, or a transfer, did not succeed: one sentence for people, one code for programs.
package struct TransportError: Error, Sendable, CustomStringConvertible, Equatable {
    package enum Code: String, Sendable, CaseIterable {
        // The way there.
        /// The host's name cannot be resolved.
        case unknownName
        /// Nothing listens at the address.
        case refused
        /// No route, or nobody answered in time.
        case unreachable
        case proxyUnreachable
        /// The proxy answered, but not with a tunnel; 407 among others.
        case proxyRefused
        // Who is there.
        /// The server's chain ends in another root: TLS inspection, or another server.
        case intercepted
        case wrongHost
        case serverCertificateExpired
        /// The clocks of the two sides differ so much that certificates do not hold.
        case clock
        case handshake
        // Who we are.
        /// Our own certificate or key is missing, unreadable or unfit.
        case identityUnusable
        case identityExpired
        /// The server does not take our certificate: unknown or revoked.
        case identityRefused
        // Under way.
        case cut, stalled, busy
        /// The server's disk is full.
        case serverFull
        /// The server refused the request with a ``ServerProblem``.
        case problem
        /// What came back is not our protocol, or too long.
        case violation
        // At home.
        case wrongDigest, fileUnusable, settings, cancelled
    }

    package let code: Code
    /// One sentence: what, where, what to do.
    package let description: String
    /// What the server said, for answers of 400 and above.
    package let problem: ServerProblem?
    /// Seconds the server asked to wait.
    package let retryAfter: Int?

    package init(_ code: Code, _ description: String, problem: ServerProblem? = nil, retryAfter: Int? = nil) {
        self.code = code
        self.description = description
        self.problem = problem
        self.retryAfter = retryAfter
    }

    /// Whether the same request may succeed later without any change at this side's program: cut lines and busy servers,
    /// but also what people repair meanwhile (proxies, certificates, clocks, disks).
    package var isTransient: Bool {
        switch code {
        case .problem:
            guard let status = problem?.status else { return false }
            if problem?.code == "wrong-offset" { return true }
            return status >= 500 && status != 501 && status != 505
                || [408, 423, 425, 429].contains(status)
        case .violation, .wrongDigest, .settings, .cancelled, .identityRefused: return false
        default: return true
        }
    }

    /// Whether waiting alone will not do and a person must look at it.
    package var needsAttention: Bool {
        switch code {
        case .unreachable, .cut, .stalled, .busy, .serverFull, .cancelled: false
        case .problem: !isTransient
        default: true
        }
    }

    package static let cancelled = TransportError(.cancelled, "the transfer was cancelled")
}

/// The body of an answer of 400 and above.
package struct ServerProblem: Sendable, Equatable {
    /// HTTP status, 400…599.
    package var status: Int
    /// What a program may act on, such as `wrong-offset`; empty when the answer did not come from our server.
    package var code: String
    /// One sentence.
    package var message: String
    /// Where an upload must go on, with `wrong-offset`.
    package var offset: Int?

    package init(status: Int, code: String, message: String, offset: Int? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.offset = offset
    }
}
