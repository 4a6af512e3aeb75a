import Cryptography

/// The coordinator's history: events in rows, each of which holds the digest of all before it.
package enum Transcript {
    package static let version = 1
    /// Before the first row.
    package static let beginning = TranscriptHead(sequence: 0, hash: String(repeating: "0", count: 64))
}

/// One row. `hash` is the SHA-256 of the previous hash, the sequence, the time and the text, each followed by a
/// line feed.
package struct TranscriptRow: Codable, Sendable, Equatable {
    /// From 1, without gaps.
    package var sequence: Int
    package var time: Timestamp
    /// JSON of ``TranscriptEntry``.
    package var text: String
    package var previous: String
    package var hash: String

    package init(sequence: Int, time: Timestamp, text: String, previous: String, hash: String) {
        self.sequence = sequence
        self.time = time
        self.text = text
        self.previous = previous
        self.hash = hash
    }

    /// The row that follows a head.
    /// - Parameter actor: who wanted it: an operator's or a site's name; nil for the service itself.
    package init(after head: TranscriptHead, time: Timestamp, event: Event, actor: String? = nil) throws {
        let text = try MessageCoding.encode(TranscriptEntry(version: Transcript.version, actor: actor, event: event))
        self.init(after: head, time: time, text: text)
    }

    init(after head: TranscriptHead, time: Timestamp, text: String) {
        sequence = head.sequence + 1
        self.time = time
        self.text = text
        previous = head.hash
        hash = Self.hash(sequence: sequence, time: time, text: text, previous: previous)
    }

    package var head: TranscriptHead { TranscriptHead(sequence: sequence, hash: hash) }

    /// What the row tells.
    /// - Throws: ``TranscriptError`` for a version or an event this program does not know.
    package func entry() throws(TranscriptError) -> TranscriptEntry {
        do {
            let entry = try MessageCoding.decode(TranscriptEntry.self, from: text)
            guard entry.version == Transcript.version else {
                throw TranscriptError(
                    row: sequence, "it is of version \(entry.version); use the program that wrote it, or a newer one.")
            }
            return entry
        } catch let error as TranscriptError {
            throw error
        } catch {
            throw TranscriptError(row: sequence, "its text is not an event this program knows; use a newer one.")
        }
    }

    static func hash(sequence: Int, time: Timestamp, text: String, previous: String) -> String {
        var hash = SHA256()
        hash.update("\(previous)\n\(sequence)\n\(time.milliseconds)\n\(text)\n")
        return hash.finish()
    }
}

/// What a row's text holds.
package struct TranscriptEntry: Codable, Sendable, Equatable {
    package var version: Int
    package var actor: String?
    package var event: Event

    package init(version: Int, actor: String?, event: Event) {
        self.version = version
        self.actor = actor
        self.event = event
    }
}
