/// What a command asks of the agent over its control socket: one line of JSON.
package struct ControlRequest: Codable, Sendable, Equatable {
    package enum Command: String, Codable, Sendable { case status, approve, refuse }

    package var command: Command
    /// What is approved or refused.
    package var id: String?
    /// Why it is refused.
    package var reason: String?

    package init(_ command: Command, id: String? = nil, reason: String? = nil) {
        self.command = command
        self.id = id
        self.reason = reason
    }
}

/// The answer: one of its fields is set.
package struct ControlAnswer: Codable, Sendable, Equatable {
    package var status: SiteStatus?
    /// One sentence on what was done.
    package var done: String?
    /// One sentence on what was wrong.
    package var error: String?

    package init(status: SiteStatus? = nil, done: String? = nil, error: String? = nil) {
        self.status = status
        self.done = done
        self.error = error
    }
}
