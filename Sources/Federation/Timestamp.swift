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

    package var description: String { date.formatted(Self.style) }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        let plain = Date.ISO8601FormatStyle(includingFractionalSeconds: false)
        guard let date = (try? Self.style.parse(text)) ?? (try? plain.parse(text)) else {
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
