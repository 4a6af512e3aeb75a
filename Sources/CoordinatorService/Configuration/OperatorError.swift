package import Federation

/// What an operator is told when something cannot be done: one sentence that says what, where and what to do.
package struct OperatorError: Error, Sendable, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }

    package init(_ problem: Problem) { description = problem.message }
}
