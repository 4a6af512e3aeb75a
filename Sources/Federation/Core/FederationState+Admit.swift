extension FederationState {
    /// Whether an update may be sent, from its header alone.
    ///
    /// - Parameter site: the peer of the connection.
    /// - Throws: each wrong thing by its own code.
    package func admit(
        _ header: Signed<UpdateHeader>, from site: String, signatures: SignatureCheck = .ed25519
    ) throws(Problem) -> Admission { fatalError("not yet") }
}

/// What becomes of an update that is announced.
package enum Admission: Sendable, Equatable {
    /// Its bytes are wanted; the plan holds what they must be like.
    case wanted(UpdateHeader, base: ObjectReference, plan: StudyPlan)
    /// It is here already.
    case received(Receipt)
}
