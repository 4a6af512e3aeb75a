extension FederationState {
    /// The site a TLS key belongs to; nil when it is not let in.
    package func site(publicKey: String) -> String? { allowed[publicKey] }

    /// Whether a certificate of ours for a site's key may come from a renewal that a restored backup does not know: it was
    /// issued in the time that is lost, after the site was last enrolled. Only certificates of this federation's own
    /// authority come this far, and it issues them to sites that are let in.
    /// - Parameter issued: when, in whole seconds.
    package func mayHaveRenewed(_ site: String, publicKey: String, issued: Timestamp) -> Bool {
        guard let site = sites[site], site.standing == .active, !revokedKeys.contains(publicKey) else { return false }
        return restores.contains { $0.since.seconds(since: issued) < 1 && issued < $0.until }
            && site.approved.map { $0.seconds(since: issued) < 1 } ?? false
    }

    package func isActive(publicKey: String) -> Bool { allowed[publicKey] != nil }

    /// The key a site signs with; nil when it is not active.
    package func signingKey(of site: String) -> String? {
        guard let site = sites[site], site.standing == .active else { return nil }
        return site.signingKey
    }

    private func isActive(_ site: String) -> Bool { sites[site]?.standing == .active }

    /// Open studies a site is invited to, by name; the plans are to be signed.
    package func offers(for site: String) -> [Offer] {
        guard isActive(site) else { return [] }
        return studies.keys.sorted().compactMap { name in
            guard let study = studies[name], !study.standing.isOver, study.plan.invites(site) else {
                return nil
            }
            let document = PlanDocument(
                federation: self.name ?? "", study: name, version: study.planVersion, digest: study.planDigest,
                text: study.planText)
            return Offer(
                document: document, standing: study.standing(of: site), state: study.stateForPeople,
                round: study.rounds.last?.reference.round ?? 0)
        }
    }

    /// What a site is asked to do and has not yet done; to be signed. The same as long as it holds.
    package func assignments(for site: String) -> [Assignment] {
        guard isActive(site) else { return [] }
        return studies.keys.sorted().compactMap { name in
            guard let study = studies[name], study.standing == .running, let round = study.openRound,
                round.sites.contains(site), round.declined[site] == nil, isEligible(site, study)
            else { return nil }
            let kind: Assignment.Kind
            switch round.phase {
            case .collecting where round.updates[site] == nil:
                kind = study.plan(of: round).kind == .rehearsal ? .rehearse : .train
            case .evaluating where round.reports[site] == nil: kind = .evaluate
            default: return nil
            }
            return Assignment(
                federation: self.name ?? "", site: site, kind: kind, round: round.reference, plan: round.plan,
                base: round.base, candidate: kind == .evaluate ? round.candidate : nil, globalStep: round.globalStep,
                issued: round.opened)
        }
    }

    /// Verdicts on a site's updates of the last attempts of each study, those on deleted ones included; to be signed.
    package func verdicts(for site: String) -> [Verdict] {
        guard isActive(site) else { return [] }
        return studies.keys.sorted().flatMap { name -> [Verdict] in
            guard let study = studies[name] else { return [] }
            return study.rounds.suffix(min(study.plan.keepUpdates, 16) + 4).compactMap { $0.verdict(on: site) }
        }
    }

    /// Releases a site is told of: those of studies it is part of that were ever promoted.
    package func releases(for site: String) -> [Signed<ReleaseCard>] {
        releases.keys.sorted().compactMap { name in
            guard let release = releases[name], release.wasPromoted, takesPart(site, in: release.study) else {
                return nil
            }
            return release.card
        }
    }

    private func takesPart(_ site: String, in study: String) -> Bool {
        isActive(site) && (studies[study]?.consents[site]?.agrees ?? false)
    }

    /// The receipt of an update that was received; to be signed. Asked again, it is the same.
    package func receipt(for round: RoundReference, site: String) -> Receipt? {
        guard let update = studies[round.study]?.round(round)?.updates[site] else { return nil }
        return Receipt(
            federation: name ?? "", site: site, round: round, update: update.received.update,
            norm: update.received.norm, received: update.at)
    }

    /// Whether a site may fetch an object: models it is asked to work with, and releases in force.
    package func mayRead(site: String, digest: String) -> Bool {
        guard isActive(site) else { return false }
        let released = releases.values.contains { release in
            release.body.standing == .promoted && release.body.model.digest == digest
                && takesPart(site, in: release.study)
        }
        return released
            || studies.values.contains { study in
                guard !study.standing.isOver, isEligible(site, study) else { return false }
                if study.base?.digest == digest { return true }
                guard let round = study.openRound, round.sites.contains(site) else { return false }
                return round.base.digest == digest || (round.candidate?.digest == digest && round.phase == .evaluating)
            }
    }
}

extension Study {
    func standing(of site: String) -> StudyOffer.Standing {
        guard let consent = consents[site], consent.plan == planDigest else { return .invited }
        return consent.agrees ? .consented : .refused
    }

    /// One word: that of the open round while it runs, else that of the study.
    var stateForPeople: String {
        guard standing == .running else { return standing.rawValue }
        return openRound?.phase.rawValue ?? "waiting"
    }
}

extension Round {
    /// What became of a site's update, as far as is known.
    fileprivate func verdict(on site: String) -> Verdict? {
        guard let update = updates[site]?.received ?? withdrawn.last(where: { $0.received.site == site })?.received
        else {
            return nil
        }
        func said(_ outcome: Verdict.Outcome, _ factor: Double, _ reason: String) -> Verdict {
            Verdict(
                site: site, round: reference, update: update.update.digest, outcome: outcome, factor: factor,
                reason: reason)
        }
        if deleted.contains(update.update.digest) {
            return said(.deleted, 1, "The update was deleted here; its digest and receipt stay.")
        }
        if let verdict = verdicts.first(where: { $0.site == site && $0.update == update.update.digest }) {
            return said(verdict.outcome, verdict.factor, verdict.reason)
        }
        if let failure { return said(.rejected, 0, "It was not folded: \(failure).") }
        return updates[site] == nil ? said(.rejected, 0, "It was not folded: the site left the round.") : nil
    }
}

/// A study as a site is told of it, but for the signature.
package struct Offer: Sendable, Equatable {
    package var document: PlanDocument
    package var standing: StudyOffer.Standing
    /// `collecting`, `paused` and so on.
    package var state: String
    package var round: Int
}
