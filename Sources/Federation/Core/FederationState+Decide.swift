extension FederationState {
    /// What a command brings about, with all that follows from it by itself.
    ///
    /// - Parameters:
    ///   - now: the wall clock; only a plan's expiry is judged by it.
    ///   - signatures: how signatures of sites and of the coordinator are judged.
    /// - Returns: the events, to be made durable together, and the state after them. Nothing when it is already so.
    /// - Throws: why it is refused.
    package func decided(
        _ command: Command, at now: Timestamp, signatures: SignatureCheck = .ed25519
    ) throws(Problem) -> (events: [Event], state: FederationState) {
        var next = self
        var events = try first(command, at: now, signatures: signatures)
        do throws(TranscriptError) {
            for event in events { try next.apply(event, at: now) }
            while let event = next.consequence(at: now) {
                try next.apply(event, at: now)
                events.append(event)
            }
        } catch { throw Problem(.internalError, "The coordinator's state does not allow what it decided: \(error).") }
        return (events, next)
    }

    /// What a command brings about by itself.
    private func first(
        _ command: Command, at now: Timestamp, signatures: SignatureCheck
    ) throws(Problem) -> [Event] {
        if case .createFederation(let name, let coordinatorKey, let rootKey) = command {
            guard self.name == nil else {
                throw Problem(.conflict, "There is a federation here already: \(self.name ?? "").")
            }
            try Self.check(name: name, "federation")
            return [.federationCreated(name: name, coordinatorKey: coordinatorKey, rootKey: rootKey)]
        }
        guard self.name != nil else { throw Problem(.conflict, "There is no federation yet: create it first.") }
        switch command {
        case .createFederation, .settle: return []
        case .recordRestore(let head, let reason): return [.coordinatorRestored(from: head, reason: reason)]
        case .issueCode, .burnCode, .requestEnrolment, .approveSite, .refuseSite, .renewKey, .revokeSite:
            return try decideSite(command)
        case .createStudy, .amendStudy, .startStudy, .pauseStudy, .resumeStudy, .abortStudy, .purgeStudy,
            .restartRound, .closeRound, .openLockedTest, .recordEvaluation, .initialModelMade:
            return try decideStudy(command, at: now)
        case .createRelease, .promoteRelease, .holdRelease:
            return try decideRelease(command, signatures: signatures)
        case .consent, .decline, .report, .receive:
            return try decideMessage(command, signatures: signatures)
        case .deadline, .folded, .coordinatorEvaluated, .judged, .deleted:
            return try decideResult(command)
        }
    }

    static func check(name: String, _ what: String) throws(Problem) {
        guard Name.isValid(name) else {
            throw Problem(
                .malformed,
                "\"\(name.prefix(80))\" cannot name a \(what): use 1 to 63 of a-z, 0-9 and the hyphen.")
        }
    }

    static func check(digest: String, _ what: String) throws(Problem) {
        guard Name.isDigest(digest) else {
            throw Problem(.malformed, "The \(what) is not 64 lower-case hexadecimal digits.")
        }
    }

    func study(_ name: String) throws(Problem) -> Study {
        guard let study = studies[name] else { throw Problem(.notFound, "There is no study \(name.prefix(80)).") }
        return study
    }

    func knownSite(_ name: String) throws(Problem) -> Site {
        guard let site = sites[name] else { throw Problem(.notFound, "There is no site \(name.prefix(80)).") }
        return site
    }
}
