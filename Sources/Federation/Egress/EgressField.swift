/// A field of a message that may leave a site.
package struct EgressField: Sendable {
    package let name: String
    package let type: EgressType
    /// Whether it may be absent.
    package let isOptional: Bool
    /// What it says, for the page and for the admin.
    package let meaning: String

    init(_ name: String, _ type: EgressType, optional: Bool = false, _ meaning: String) {
        self.name = name
        self.type = type
        isOptional = optional
        self.meaning = meaning
    }
}

/// What a field may hold.
package indirect enum EgressType: Sendable {
    /// `[a-z0-9-]`, 1 to 63.
    case name
    /// Lower-case hexadecimal digits, exactly so many.
    case hexadecimal(Int)
    /// Printable text without line breaks, at most so many UTF-8 bytes.
    case text(Int)
    /// One sentence: text without slashes and backslashes, so that no path is in it.
    case sentence(Int)
    /// A PEM block, at most so many bytes.
    case pem(Int)
    case integer(ClosedRange<Int>)
    case number(ClosedRange<Double>)
    case flag
    case choice([String])
    case list(EgressType, ClosedRange<Int>)
    case object([EgressField])
    /// An envelope `text`, `signature`, `signer` around a message of that kind.
    case signed(EgressKind)

    /// In words, for the page.
    package var words: String {
        switch self {
        case .name: "name `[a-z0-9-]`, 1…63"
        case .hexadecimal(let digits): "\(digits) hexadecimal digits"
        case .text(let limit): "text, ≤ \(limit) bytes"
        case .sentence(let limit): "sentence without `/` and `\\`, ≤ \(limit) bytes"
        case .pem(let limit): "PEM, ≤ \(limit) bytes"
        case .integer(let range): "whole number \(range.lowerBound)…\(range.upperBound)"
        case .number(let range): "number \(short(range.lowerBound))…\(short(range.upperBound))"
        case .flag: "true or false"
        case .choice(let values): "one of " + values.map { "`\($0)`" }.joined(separator: ", ")
        case .list(let element, let count):
            if case .object = element {
                "list of \(count.lowerBound)…\(count.upperBound)"
            } else {
                "list of \(count.lowerBound)…\(count.upperBound): \(element.words)"
            }
        case .object: "object"
        case .signed(let kind): "signed `\(kind.rawValue)`"
        }
    }
}
