extension Transcript {
    /// Checks rows as they come, one after the other.
    package struct Verifier: Sendable {
        /// The end of what was checked.
        package private(set) var head = Transcript.beginning

        package init() {}

        /// - Throws: ``TranscriptError`` with the row's number, when it does not continue those before it.
        package mutating func check(_ row: TranscriptRow) throws(TranscriptError) {
            guard row.sequence == head.sequence + 1 else {
                throw TranscriptError(
                    row: head.sequence + 1, "it is missing; row \(row.sequence) stands in its place.")
            }
            guard row.previous == head.hash else {
                throw TranscriptError(row: row.sequence, "it does not continue the row before it.")
            }
            let hash = TranscriptRow.hash(
                sequence: row.sequence, time: row.time, text: row.text, previous: row.previous)
            guard row.hash == hash else {
                throw TranscriptError(row: row.sequence, "its hash is not that of its content; it was changed.")
            }
            head = row.head
        }
    }

    /// Checks a whole transcript.
    ///
    /// - Parameter witnessed: ends that others saw, such as agents: rows cut off at the end, or a history written
    ///   anew, can be found only by them.
    /// - Returns: its end.
    /// - Throws: ``TranscriptError`` with the first bad row.
    package static func verify(
        _ rows: some Sequence<TranscriptRow>, witnessed: [TranscriptHead] = []
    ) throws(TranscriptError) -> TranscriptHead {
        var verifier = Verifier()
        let witnesses = Dictionary(witnessed.map { ($0.sequence, $0.hash) }) { first, _ in first }
        for row in rows {
            try verifier.check(row)
            if let hash = witnesses[row.sequence], hash != row.hash {
                throw TranscriptError(row: row.sequence, "it is not the row that was seen there before.")
            }
        }
        if let lost = witnessed.map(\.sequence).max(), lost > verifier.head.sequence {
            throw TranscriptError(
                row: verifier.head.sequence + 1, "it and what followed to row \(lost) are cut off at the end.")
        }
        return verifier.head
    }

    /// Whether the end somebody saw is part of a transcript.
    /// - Parameter hash: of the row with a number; nil when there is none.
    package static func contains(_ head: TranscriptHead, hash: (Int) throws -> String?) rethrows -> Bool {
        if head == beginning { return true }
        return try hash(head.sequence) == head.hash
    }
}

extension FederationState {
    /// The state a transcript tells of.
    /// - Throws: ``TranscriptError`` with the row that cannot be read, or cannot have happened.
    package init(replaying rows: some Sequence<TranscriptRow>) throws(TranscriptError) {
        self.init()
        for row in rows { try apply(row) }
    }

    package mutating func apply(_ row: TranscriptRow) throws(TranscriptError) {
        let entry = try row.entry()
        do throws(TranscriptError) {
            try apply(entry.event, at: row.time)
        } catch { throw TranscriptError(row: row.sequence, error.message) }
    }
}
