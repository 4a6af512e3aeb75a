/// Why a message may not leave a site.
package struct EgressViolation: Error, CustomStringConvertible, Sendable, Equatable, Codable {
    package enum Reason: String, Sendable, Codable, CaseIterable {
        /// Not JSON, nested too deep, a key twice, or too long.
        case malformed
        /// A field the schema does not have.
        case unknownField = "unknown-field"
        case missingField = "missing-field"
        /// Of another type, or out of range.
        case outOfRange = "out-of-range"
        /// Too few cases stand behind it.
        case cohort
        /// Fields that contradict each other.
        case inconsistent
        /// The signature's envelope around it is not right.
        case envelope
    }

    package let kind: EgressKind
    package let reason: Reason
    /// Where, as `models[1].loss`; empty for the whole message.
    package let field: String
    package let detail: String

    init(_ kind: EgressKind, _ reason: Reason, _ field: String, _ detail: String) {
        self.kind = kind
        self.reason = reason
        self.field = field
        self.detail = detail
    }

    package var description: String {
        let place = field.isEmpty ? "" : ", field \(field)"
        return "The message \(kind.rawValue)\(place) may not leave the site: \(detail)."
    }
}
