package import Federation

extension Store {
    /// Reads the whole transcript: checks each row against the one before it, and takes its event in.
    /// - Throws: `TranscriptError` naming the first row that does not add up.
    package func replay() async throws -> (state: FederationState, head: TranscriptHead) {
        var state = FederationState()
        var verifier = Transcript.Verifier()
        while true {
            let rows = try await transcript(after: verifier.head.sequence, limit: 2000)
            guard !rows.isEmpty else { return (state, verifier.head) }
            for row in rows {
                try verifier.check(row)
                do {
                    try state.apply(try row.entry().event, at: row.time)
                } catch {
                    throw TranscriptError(row: row.sequence, error.message)
                }
            }
        }
    }
}
