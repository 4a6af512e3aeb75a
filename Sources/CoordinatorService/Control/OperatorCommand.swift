/// What an operator asks of a coordinator. It crosses the control socket as `POST /v1/<name>` with itself as JSON, and is
/// carried out by the same code in a serving process and, for those that may, in one that holds the lock itself.
package protocol OperatorCommand: Codable, Sendable {
    associatedtype Answer: Codable & Sendable

    /// The last part of its path, such as `site-add`.
    static var name: String { get }

    /// Does it.
    /// - Throws: ``OperatorError`` or `Problem`, for the operator to read.
    func carryOut(at desk: OperatorDesk) async throws -> Answer
}

/// The answer of a command that has nothing to say.
package struct Done: Codable, Sendable, Equatable {
    package init() {}
}
