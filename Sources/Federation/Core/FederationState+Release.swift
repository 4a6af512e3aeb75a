extension FederationState {
    /// Commands on releases. Cards are signed by the coordinator.
    func decideRelease(_ command: Command, signatures: SignatureCheck) throws(Problem) -> [Event] {
        switch command {
        case .createRelease(let name, let card):
            let body = try self.body(of: card, standing: .candidate, signatures)
            try Self.check(name: body.name, "release")
            if let former = releases[body.name] {
                if former.card == card { return [] }
                throw Problem(.conflict, "There is a release \(body.name) already: choose another name.")
            }
            let study = try self.study(name)
            guard body.round.study == name, let round = study.round(body.round), round.phase == .committed,
                committedModel(of: round, in: study) == body.model
            else {
                throw Problem(.conflict, "A release pins a model that was committed; \(body.round) has no such one.")
            }
            guard !isGone(body.model.digest, in: study) else {
                throw Problem(
                    .notFound, "The model of \(body.round) is deleted: release a later one, or raise `keep_updates`.")
            }
            return [.releaseCreated(study: name, card: card)]
        case .promoteRelease(let card):
            let body = try self.body(of: card, standing: .promoted, signatures)
            let former = try release(body)
            if former.body.standing == .promoted { return [] }
            return [.releasePromoted(release: body.name, card: card)]
        case .holdRelease(let card, let reason):
            let body = try self.body(of: card, standing: .held, signatures)
            let former = try release(body)
            if former.body.standing == .held { return [] }
            return [.releaseHeld(release: body.name, card: card, reason: reason)]
        default: return []
        }
    }

    /// What a round left in force.
    func committedModel(of round: Round, in study: Study) -> ObjectReference? {
        study.plan(of: round).kind == .training ? round.candidate : round.base
    }

    private func isGone(_ digest: String, in study: Study) -> Bool {
        !refers(to: digest) && study.rounds.contains { $0.deleted.contains(digest) }
    }

    private func release(_ body: ReleaseCard) throws(Problem) -> Release {
        guard let former = releases[body.name] else { throw Problem(.notFound, "There is no release \(body.name).") }
        guard former.body.model == body.model, former.body.round == body.round else {
            throw Problem(.conflict, "Release \(body.name) pins another model.")
        }
        return former
    }

    private func body(
        of card: Signed<ReleaseCard>, standing: ReleaseCard.Standing, _ signatures: SignatureCheck
    ) throws(Problem) -> ReleaseCard {
        guard card.signer == coordinatorKey,
            signatures.isValid(ReleaseCard.domain, card.text, card.signature, card.signer)
        else { throw Problem(.wrongSignature, "The card is not signed by this coordinator.") }
        guard let body = try? MessageCoding.decode(ReleaseCard.self, from: card.text), body.standing == standing else {
            throw Problem(.malformed, "The card is not one of a release that is \(standing.rawValue).")
        }
        return body
    }
}
