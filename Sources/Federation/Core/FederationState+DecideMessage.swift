extension FederationState {
    /// Messages of sites.
    func decideMessage(_ command: Command, signatures: SignatureCheck) throws(Problem) -> [Event] {
        switch command {
        case .consent(let message, let site): return try consent(message, from: site, signatures)
        case .decline(let message, let site): return try decline(message, from: site, signatures)
        case .report(let message, let site, let object):
            return try report(message, from: site, object, signatures)
        case .receive(let header, let site, let norm):
            guard case .wanted(let body, _, let plan) = try admit(header, from: site, signatures: signatures) else {
                return []
            }
            guard norm.isFinite, norm >= 0 else {
                throw Problem(.notANumber, "The update's norm is not a number: look for divergence in training.")
            }
            if let limit = plan.maxNorm, norm > limit {
                throw Problem(.tooLong, "The update's norm is \(norm) and the plan allows \(limit): lower the rate.")
            }
            return [.updateReceived(round: body.round, update: ReceivedUpdate(body, norm: norm), header: header)]
        default: return []
        }
    }

    /// The body of a message that a site signed with its own key.
    private func body<Body: Message>(
        of message: Signed<Body>, from name: String, _ signatures: SignatureCheck
    ) throws(Problem) -> Body {
        try checkSignature(of: message, by: name, signatures)
        return try message.body()
    }

    func checkSignature<Body: Message>(
        of message: Signed<Body>, by name: String, _ signatures: SignatureCheck
    ) throws(Problem) {
        guard let key = signingKey(of: name) else {
            throw Problem(.forbidden, "Site \(name.prefix(80)) is not let in.")
        }
        guard message.signer == key,
            signatures.isValid(Body.domain, message.text, message.signature, message.signer)
        else { throw Problem(.wrongSignature, "The message is not signed with the key \(name) was enrolled with.") }
    }

    func check(federation: String, site: String, peer: String) throws(Problem) {
        guard federation == name else {
            throw Problem(.wrongFederation, "The message is for federation \(federation.prefix(80)), not this one.")
        }
        guard site == peer else {
            throw Problem(.wrongSite, "The message is of site \(site.prefix(80)) and came from \(peer).")
        }
    }

    private func consent(
        _ message: Signed<Consent>, from site: String, _ signatures: SignatureCheck
    ) throws(Problem) -> [Event] {
        let body = try body(of: message, from: site, signatures)
        try check(federation: body.federation, site: body.site, peer: site)
        guard let study = studies[body.study], study.plan.invites(site) else {
            throw Problem(.wrongStudy, "\(site) is not invited to a study \(body.study.prefix(80)).")
        }
        guard body.plan == study.planDigest else {
            throw Problem(.wrongPlan, "Study \(study.name) has another plan by now: read it again.")
        }
        if let former = study.consents[site], former.plan == body.plan, former.agrees == body.agrees { return [] }
        if body.agrees {
            guard !study.standing.isOver else {
                throw Problem(.late, "Study \(study.name) is \(study.standing.rawValue).")
            }
            return [
                .consentGiven(study: study.name, site: site, plan: body.plan, signature: message.signature)
            ]
        }
        let refused = Event.consentRefused(
            study: study.name, site: site, plan: body.plan, reason: body.reason?.bounded ?? "",
            signature: message.signature)
        return [refused] + leaving(site: site, study: study.name, reason: "the site took back its consent")
    }

    private func decline(
        _ message: Signed<Refusal>, from site: String, _ signatures: SignatureCheck
    ) throws(Problem) -> [Event] {
        let body = try body(of: message, from: site, signatures)
        try check(federation: body.federation, site: body.site, peer: site)
        guard let round = open(body.round) else { return [] }
        guard round.sites.contains(site) else {
            throw Problem(.notAssigned, "\(site) is not asked for anything in \(round.reference).")
        }
        let asked = body.kind == .evaluate ? Round.Phase.evaluating : .collecting
        guard round.phase == asked, round.declined[site] == nil, round.updates[site] == nil || asked == .evaluating,
            round.reports[site] == nil
        else { return [] }
        return [
            .siteDeclined(
                round: round.reference, site: site, kind: body.kind, reason: body.reason, detail: body.detail.bounded)
        ]
    }

    private func report(
        _ message: Signed<EvaluationReport>, from site: String, _ object: ObjectReference,
        _ signatures: SignatureCheck
    ) throws(Problem) -> [Event] {
        let body = try body(of: message, from: site, signatures)
        try check(federation: body.federation, site: body.site, peer: site)
        let study = try self.study(body.round.study)
        guard let round = study.round(body.round) else {
            throw Problem(.staleRound, "There is no \(body.round).")
        }
        if let former = round.reports[site] {
            guard former.object == object else {
                throw Problem(.conflict, "\(site) has reported on \(round.reference) otherwise.")
            }
            return []
        }
        guard round.phase == .evaluating else {
            throw Problem(.late, "\(round.reference) is not being evaluated; the report is too late.")
        }
        guard round.sites.contains(site) else {
            throw Problem(.notAssigned, "\(site) is not asked to evaluate in \(round.reference).")
        }
        guard body.plan == round.plan else {
            throw Problem(.wrongPlan, "The report is under another plan than \(round.reference).")
        }
        let models = [round.base.digest] + (round.candidate.map { [$0.digest] } ?? [])
        guard body.models.map(\.model) == models else {
            throw Problem(.wrongBase, "The report is on other models than \(round.reference) asks about.")
        }
        let plan = study.plan(of: round)
        guard [1, plan.classes.count].contains(body.cases.count),
            body.cases.allSatisfy({ (0...Self.mostSamples).contains($0) })
        else {
            throw Problem(
                .wrongSamples,
                "The report must count the cases of each of \(plan.classes.count) classes, or all together.")
        }
        return [.reportReceived(round: round.reference, site: site, report: object, cases: body.cases)]
    }
}

extension String {
    /// At most 300 bytes of it, for the record.
    fileprivate var bounded: String { String(decoding: utf8.prefix(300), as: UTF8.self) }
}
