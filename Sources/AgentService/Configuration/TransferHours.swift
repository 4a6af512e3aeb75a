package import Foundation

/// Hours of the local day in which models may be moved over the line.
package struct TransferHours: Sendable, Equatable {
    /// Minutes since midnight: from the first, up to but not with the second; across midnight when it is smaller.
    package struct Span: Sendable, Equatable {
        package var from: Int
        package var to: Int

        package func contains(_ minute: Int) -> Bool {
            from < to ? (from..<to).contains(minute) : minute >= from || minute < to
        }
    }

    /// Empty for all the day.
    package var spans: [Span]

    package static let always = TransferHours(spans: [])

    package init(spans: [Span]) { self.spans = spans }

    /// Reads `20:00-06:00`; nil if it is not of this form, or no minute long.
    package static func span(_ text: String) -> Span? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { end -> Int? in
            let parts = end.trimmingCharacters(in: .whitespaces).split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, parts.allSatisfy({ (1...2).contains($0.count) && $0.allSatisfy(\.isNumber) }),
                let hour = Int(parts[0]), let minute = Int(parts[1]), minute < 60, hour * 60 + minute <= 24 * 60
            else { return nil }
            return hour * 60 + minute
        }
        guard ends.count == 2, let from = ends[0], let to = ends[1], from != to, from < 24 * 60 else { return nil }
        return Span(from: from, to: to)
    }

    /// Whether models may be moved at a moment.
    package func contains(_ date: Date, calendar: Calendar = .current) -> Bool {
        guard !spans.isEmpty else { return true }
        let parts = calendar.dateComponents([.hour, .minute], from: date)
        let minute = (parts.hour ?? 0) * 60 + (parts.minute ?? 0)
        return spans.contains { $0.contains(minute) }
    }

    package var description: String {
        let clock = { (minutes: Int) in
            "\(minutes / 60 < 10 ? "0" : "")\(minutes / 60):\(minutes % 60 < 10 ? "0" : "")\(minutes % 60)"
        }
        return spans.map { "\(clock($0.from))-\(clock($0.to))" }.joined(separator: ", ")
    }
}
