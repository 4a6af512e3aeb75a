import Cryptography
package import Federation

extension Store {
    /// Reads the whole transcript: checks each row against the one before it, and takes its event in.
    /// - Throws: `TranscriptError` naming the first row that does not add up.
    package func replay() async throws -> (state: FederationState, head: TranscriptHead) {
        var state = FederationState()
        var head = Transcript.beginning
        while true {
            let rows = try await transcript(after: head.sequence, limit: 2000)
            guard !rows.isEmpty else { return (state, head) }
            for row in rows {
                let entry = try row.verified(after: head)
                try state.apply(entry.event, at: row.time)
                head = row.head
            }
        }
    }
}

extension TranscriptRow {
    /// What the row tells, once it is sure that it follows a head.
    func verified(after head: TranscriptHead) throws(TranscriptError) -> TranscriptEntry {
        guard sequence == head.sequence + 1 else {
            throw TranscriptError(row: head.sequence + 1, "it is missing; restore the state from a backup.")
        }
        guard previous == head.hash, hash == Self.hash(after: head, time: time, text: text) else {
            throw TranscriptError(
                row: sequence, "its hash does not fit; it was changed: restore the state from a backup.")
        }
        return try entry()
    }

    private static func hash(after head: TranscriptHead, time: Timestamp, text: String) -> String {
        var hash = SHA256()
        hash.update("\(head.hash)\n\(head.sequence + 1)\n\(time.milliseconds)\n\(text)\n")
        return hash.finish()
    }
}
