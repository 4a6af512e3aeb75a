extension FederationState {
    /// Takes in what happened.
    /// - Throws: ``TranscriptError`` when it cannot have happened in this state.
    package mutating func apply(_ event: Event, at time: Timestamp) throws(TranscriptError) {
        defer { latest = time }
        switch event {
        case .federationCreated(let name, let coordinatorKey, let rootKey):
            guard self.name == nil else { throw TranscriptError("the federation is created a second time") }
            self.name = name
            self.coordinatorKey = coordinatorKey
            self.rootKey = rootKey
        case .siteAdded, .codeIssued, .codeBurned, .enrolmentRequested, .enrolmentRefused, .siteApproved, .keyRenewed,
            .siteRevoked:
            try applySite(event, at: time)
        case .studyCreated, .studyAmended, .consentGiven, .consentRefused, .initialModelMade, .studyStarted,
            .studyPaused, .studyResumed, .studyAborted, .studyFinished, .studyPurged, .lockedTestOpened,
            .operatorEvaluated:
            try applyStudy(event, at: time)
        case .roundOpened, .siteJoined, .siteLeft, .updateReceived, .siteDeclined, .deadlinePassed, .roundExtended,
            .foldStarted, .folded, .evaluationStarted, .reportReceived, .coordinatorEvaluated, .judgementStarted,
            .gateDecided, .roundCommitted, .candidateHeld, .roundFailed, .updatesDeleted:
            try applyRound(event, at: time)
        case .releaseCreated(let study, let card):
            let body = try Self.body(of: card)
            releases[body.name] = Release(study: study, card: card, body: body, wasPromoted: false)
        case .releasePromoted(let release, let card):
            try changeRelease(release, card)
            releases[release]?.wasPromoted = true
        case .releaseHeld(let release, let card, _): try changeRelease(release, card)
        case .coordinatorRestored(let head, _):
            restores.append(Restore(head: head, since: latest ?? time, until: time))
        }
    }

    private static func body(of card: Signed<ReleaseCard>) throws(TranscriptError) -> ReleaseCard {
        do {
            return try MessageCoding.decode(ReleaseCard.self, from: card.text)
        } catch { throw TranscriptError("the card of a release cannot be read") }
    }

    private mutating func changeRelease(_ name: String, _ card: Signed<ReleaseCard>) throws(TranscriptError) {
        guard releases[name] != nil else { throw TranscriptError("there is no release \(name)") }
        let body = try Self.body(of: card)
        releases[name]?.card = card
        releases[name]?.body = body
    }

    // MARK: Sites

    private mutating func applySite(_ event: Event, at time: Timestamp) throws(TranscriptError) {
        switch event {
        case .siteAdded(let site):
            sites[site] = Site(name: site, standing: .invited, publicKeys: [], added: time)
        case .codeIssued(let site, let expires):
            try change(site: site) { site in
                site.codeExpires = expires
                if site.standing == .revoked || site.standing == .requested { site.standing = .invited }
                site.request = nil
            }
        case .codeBurned(let site, _): try change(site: site) { $0.codeExpires = nil }
        case .enrolmentRequested(let site, let publicKey, let signingKey):
            try change(site: site) { site in
                site.request = Site.Request(publicKey: publicKey, signingKey: signingKey)
                if site.standing != .active { site.standing = .requested }
            }
        case .enrolmentRefused(let site, _, _):
            try change(site: site) { site in
                site.request = nil
                site.codeExpires = nil
                if site.standing != .active { site.standing = .invited }
            }
        case .siteApproved(let site, let publicKey, let signingKey):
            try allow(site: site, keys: [publicKey])
            try change(site: site) { site in
                site.standing = .active
                site.signingKey = signingKey
                site.request = nil
                site.codeExpires = nil
                site.approved = time
                site.revoked = nil
            }
        case .keyRenewed(let site, let publicKey):
            try allow(site: site, keys: (sites[site]?.publicKeys.suffix(1) ?? []) + [publicKey])
        case .siteRevoked(let site, _):
            revokedKeys.formUnion(sites[site]?.publicKeys ?? [])
            try allow(site: site, keys: [])
            try change(site: site) { site in
                site.standing = .revoked
                site.request = nil
                site.codeExpires = nil
                site.revoked = time
            }
        default: break
        }
    }

    private mutating func change(site name: String, _ body: (inout Site) -> Void) throws(TranscriptError) {
        guard let index = sites.index(forKey: name) else { throw TranscriptError("there is no site \(name)") }
        body(&sites.values[index])
    }

    private mutating func allow(site name: String, keys: [String]) throws(TranscriptError) {
        for old in sites[name]?.publicKeys ?? [] { allowed[old] = nil }
        for key in keys { allowed[key] = name }
        try change(site: name) { $0.publicKeys = keys }
    }

    // MARK: Studies

    /// In place: a study may hold a thousand rounds, which must not be copied for each event.
    mutating func change(
        study name: String, _ body: (inout Study) throws(TranscriptError) -> Void
    ) throws(TranscriptError) {
        guard let index = studies.index(forKey: name) else { throw TranscriptError("there is no study \(name)") }
        try body(&studies.values[index])
    }

    private static func plan(_ text: String, _ digest: String) throws(TranscriptError) -> StudyPlan {
        guard StudyPlan.digest(of: text) == digest else { throw TranscriptError("a plan is not that of its digest") }
        do {
            return try StudyPlan.parse(text)
        } catch { throw TranscriptError("a plan cannot be read: \(error.description)") }
    }

    private mutating func applyStudy(_ event: Event, at time: Timestamp) throws(TranscriptError) {
        switch event {
        case .studyCreated(let name, let digest, let text):
            guard studies[name] == nil else { throw TranscriptError("study \(name) is created a second time") }
            studies[name] = Study(
                name: name, plan: try Self.plan(text, digest), planText: text, planDigest: digest, created: time)
        case .studyAmended(let name, let digest, let text, _):
            let plan = try Self.plan(text, digest)
            try change(study: name) { study in
                study.formerPlans[study.planDigest] = study.plan
                study.plan = plan
                study.planText = text
                study.planDigest = digest
                study.planVersion += 1
            }
        case .consentGiven(let name, let site, let plan, _):
            try change(study: name) { $0.consents[site] = Study.SiteConsent(plan: plan, agrees: true, at: time) }
        case .consentRefused(let name, let site, let plan, let reason, _):
            try change(study: name) {
                $0.consents[site] = Study.SiteConsent(plan: plan, agrees: false, reason: reason, at: time)
            }
        case .initialModelMade(let name, let model):
            try change(study: name) { study in
                study.initial = model
                study.base = study.base ?? model
            }
        case .studyStarted(let name), .studyResumed(let name):
            try change(study: name) { study in
                study.standing = .running
                study.reason = nil
            }
        case .studyPaused(let name, let reason):
            try change(study: name) { study in
                study.standing = .paused
                study.reason = reason
            }
        case .studyAborted(let name, let reason):
            try change(study: name) { study in
                study.standing = .aborted
                study.reason = reason
            }
        case .studyFinished(let name): try change(study: name) { $0.standing = .finished }
        case .studyPurged(let name, _): try change(study: name) { $0.purged = true }
        case .lockedTestOpened(let name, _, _): try change(study: name) { $0.lockedTestOpenings += 1 }
        case .operatorEvaluated(let name, let model, let set, let figures):
            try change(study: name) {
                $0.evaluations.append(
                    Study.OperatorEvaluation(model: model, set: set, figures: figures, at: time))
            }
        default: break
        }
    }
}
