extension FederationState {
    /// What a command brings about, with all that follows from it by itself.
    ///
    /// - Returns: the events, to be made durable together, and the state after them. Nothing when it is already so.
    /// - Throws: why it is refused.
    package func decided(
        _ command: Command, at now: Timestamp, signatures: SignatureCheck = .ed25519
    ) throws(Problem) -> (events: [Event], state: FederationState) { fatalError("not yet") }
}
