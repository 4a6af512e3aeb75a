extension FederationState {
    /// More cases than any site has: a larger number is a mistake.
    static let mostSamples = EgressSchema.mostCases

    /// Whether an update may be sent, from its header alone.
    ///
    /// - Parameter site: the peer of the connection.
    /// - Throws: each wrong thing by its own code.
    package func admit(
        _ header: Signed<UpdateHeader>, from site: String, signatures: SignatureCheck = .ed25519
    ) throws(Problem) -> Admission {
        let body = try announced(header, by: site, signatures)
        guard let study = studies[body.round.study] else {
            throw Problem(.wrongStudy, "There is no study \(body.round.study.prefix(80)).")
        }
        if let receipt = receipt(for: body.round, site: site), receipt.update.digest == body.update.digest {
            return .received(receipt)
        }
        let round = try round(of: body, in: study)
        guard body.plan == round.plan else {
            throw Problem(.wrongPlan, "The update was made under another plan than \(round.reference).")
        }
        guard body.base == round.base.digest else {
            throw Problem(
                .wrongBase,
                "The update was trained from \(body.base.prefix(64)), \(round.reference) from \(round.base.digest).")
        }
        guard round.updates[site] == nil else {
            throw Problem(.conflict, "\(site) has sent another update to \(round.reference): the first one counts.")
        }
        let plan = study.plan(of: round)
        try check(body, plan, round)
        return .wanted(body, base: round.base, plan: plan)
    }

    private func announced(
        _ header: Signed<UpdateHeader>, by site: String, _ signatures: SignatureCheck
    ) throws(Problem) -> UpdateHeader {
        let claimed: UpdateHeader
        do {
            claimed = try MessageCoding.decode(UpdateHeader.self, from: header.text)
        } catch { throw Problem(.malformed, "The header of the update is not one.") }
        // Whom it claims to be of is said before whether the signature is right: it is the truer reason.
        try check(federation: claimed.federation, site: claimed.site, peer: site)
        try checkSignature(of: header, by: site, signatures)
        return claimed
    }

    private func round(of body: UpdateHeader, in study: Study) throws(Problem) -> Round {
        guard !study.standing.isOver else {
            throw Problem(.late, "Study \(study.name) is \(study.standing.rawValue).")
        }
        guard let round = study.rounds.last, round.reference.round == body.round.round else {
            let there = study.rounds.last.map { "round \($0.reference.round)" } ?? "no round"
            throw Problem(.staleRound, "Round \(body.round.round) of study \(study.name) is not open: \(there) is.")
        }
        guard round.reference.attempt == body.round.attempt else {
            throw Problem(
                .wrongAttempt,
                "Attempt \(body.round.attempt) is not open: attempt \(round.reference.attempt) of \(study.name) is.")
        }
        guard round.phase == .collecting else {
            throw Problem(.late, "\(round.reference) takes no more updates; the next round will.")
        }
        guard round.sites.contains(body.site), study.plan(of: round).kind != .evaluation else {
            throw Problem(.notAssigned, "\(body.site) is not asked for an update in \(round.reference).")
        }
        return round
    }

    private func check(_ body: UpdateHeader, _ plan: StudyPlan, _ round: Round) throws(Problem) {
        guard body.encoding == plan.encoding else {
            throw Problem(
                .wrongEncoding, "The plan wants \(plan.encoding.rawValue), the update is \(body.encoding.rawValue).")
        }
        guard (1...Self.mostSamples).contains(body.samples) else {
            throw Problem(.wrongSamples, "The update says it is of \(body.samples) cases: 1 to \(Self.mostSamples).")
        }
        guard (0...100_000_000).contains(body.steps), body.loss?.isFinite ?? true, body.software.utf8.count <= 300
        else { throw Problem(.malformed, "The header's steps, loss or software is out of range.") }
        if let lacking = body.lacking, lacking != plan.contrasts.filter(lacking.contains) {
            throw Problem(.malformed, "The header names others as lacking than contrasts of the plan, each once.")
        }
        try Self.check(digest: body.update.digest, "update's digest")
        // A delta is no longer than its base but for the header of the file.
        guard (1...(round.base.bytes + (16 << 20))).contains(body.update.bytes) else {
            throw Problem(
                .wrongSize, "The update has \(body.update.bytes) bytes, its base \(round.base.bytes): it cannot be one."
            )
        }
    }
}

/// What becomes of an update that is announced.
package enum Admission: Sendable, Equatable {
    /// Its bytes are wanted; the plan holds what they must be like.
    case wanted(UpdateHeader, base: ObjectReference, plan: StudyPlan)
    /// It is here already.
    case received(Receipt)
}
