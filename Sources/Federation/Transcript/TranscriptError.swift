/// Why a transcript is not one.
package struct TranscriptError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The first bad row; nil when it is not known yet.
    package var row: Int?
    /// One sentence.
    package var message: String

    package init(row: Int? = nil, _ message: String) {
        self.row = row
        self.message = message
    }

    package var description: String { row.map { "row \($0): \(message)" } ?? message }
}
