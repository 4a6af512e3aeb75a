/// Why a plan's text is not a plan.
package struct PlanError: Error, Sendable, Equatable, CustomStringConvertible {
    /// From 1; nil when it is the plan as a whole.
    package var line: Int?
    /// The key nearest to the one that is not known.
    package var suggestion: String?
    /// One sentence.
    package var message: String

    package init(line: Int? = nil, suggestion: String? = nil, _ message: String) {
        self.line = line
        self.suggestion = suggestion
        self.message = message
    }

    package var description: String { line.map { "line \($0): \(message)" } ?? message }
}
