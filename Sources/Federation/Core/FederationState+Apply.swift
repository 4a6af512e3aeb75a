extension FederationState {
    /// Takes in what happened.
    /// - Throws: ``TranscriptError`` when it cannot have happened in this state.
    package mutating func apply(_ event: Event, at time: Timestamp) throws(TranscriptError) { fatalError("not yet") }
}
