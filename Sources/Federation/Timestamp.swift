package import Foundation

/// A moment of the wall clock, in whole milliseconds since 1970 UTC; on the wire RFC 3339 with `Z`.
package struct Timestamp: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
    package var milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    package init(_ date: Date) { milliseconds = Int64((date.timeIntervalSince1970 * 1000).rounded()) }

    package static func < (one: Self, other: Self) -> Bool { one.milliseconds < other.milliseconds }

    /// Seconds from another moment to this one.
    package func seconds(since other: Timestamp) -> Double { Double(milliseconds - other.milliseconds) / 1000 }

    package func advanced(seconds: Double) -> Timestamp {
        Timestamp(milliseconds: milliseconds + Int64((seconds * 1000).rounded()))
    }

    package var date: Date { Date(timeIntervalSince1970: Double(milliseconds) / 1000) }

    private static let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    /// RFC 3339 with milliseconds. They are written as the number they are: formatting a `Date` cuts off what its
    /// binary fraction lacks, and a moment would come back a millisecond earlier.
    package var description: String {
        let part = milliseconds - seconds * 1000
        let text = Date(timeIntervalSince1970: Double(seconds)).formatted(Self.whole)
        return "\(text.dropLast()).\(String(1000 + part).dropFirst())Z"
    }

    /// Whole seconds, rounded down.
    private var seconds: Int64 { milliseconds >= 0 ? milliseconds / 1000 : (milliseconds - 999) / 1000 }

    private static let whole = Date.ISO8601FormatStyle(includingFractionalSeconds: false)

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let date = (try? Self.style.parse(text)) ?? (try? Self.whole.parse(text)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "not a time such as \(Self(milliseconds: 0))")
        }
        self.init(date)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
