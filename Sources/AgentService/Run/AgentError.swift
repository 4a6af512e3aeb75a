/// Why the agent cannot do something, in one sentence that says what to do.
package struct AgentError: Error, CustomStringConvertible, Sendable {
    package enum Code: Sendable {
        /// A file of the state folder.
        case state
        /// Keys, certificates, enrolment.
        case identity
        /// What the coordinator sent does not hold.
        case untrusted
        /// What the admin asked for cannot be.
        case usage
    }

    package let code: Code
    package let description: String

    package init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
