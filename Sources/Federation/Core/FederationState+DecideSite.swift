extension FederationState {
    /// Commands on sites and their keys.
    func decideSite(_ command: Command) throws(Problem) -> [Event] {
        switch command {
        case .issueCode(let name, let expires):
            try Self.check(name: name, "site")
            let code = Event.codeIssued(site: name, expires: expires)
            return sites[name] == nil ? [.siteAdded(site: name), code] : [code]
        case .burnCode(let name, let reason):
            return try knownSite(name).codeExpires == nil ? [] : [.codeBurned(site: name, reason: reason)]
        case .requestEnrolment(let name, let publicKey, let signingKey):
            return try request(name, publicKey, signingKey)
        case .approveSite(let name, let publicKey):
            let site = try knownSite(name)
            if site.standing == .active, site.publicKeys.contains(publicKey) { return [] }
            guard let request = site.request else {
                throw Problem(.conflict, "Nobody asks to be let in as \(name): the site must run enroll first.")
            }
            guard request.publicKey == publicKey else {
                throw Problem(.conflict, "\(name) now asks with another key: compare the fingerprints again.")
            }
            return [.siteApproved(site: name, publicKey: request.publicKey, signingKey: request.signingKey)]
        case .refuseSite(let name, let publicKey, let reason):
            guard try knownSite(name).request?.publicKey == publicKey else { return [] }
            return [.enrolmentRefused(site: name, publicKey: publicKey, reason: reason)]
        case .renewKey(let name, let publicKey):
            let site = try knownSite(name)
            if site.publicKeys.contains(publicKey) { return [] }
            guard site.standing == .active else {
                throw Problem(.forbidden, "\(name) is not let in, so its key cannot be renewed: enrol it again.")
            }
            try free(publicKey)
            return [.keyRenewed(site: name, publicKey: publicKey)]
        case .revokeSite(let name, let reason):
            let site = try knownSite(name)
            if site.standing == .revoked { return [] }
            return [.siteRevoked(site: name, reason: reason)] + leaving(site: name, reason: "the site was revoked")
        default: return []
        }
    }

    private func request(_ name: String, _ publicKey: String, _ signingKey: String) throws(Problem) -> [Event] {
        let site = try knownSite(name)
        try Self.check(digest: publicKey, "digest of the public key")
        try Self.check(digest: signingKey, "signing key")
        let request = Site.Request(publicKey: publicKey, signingKey: signingKey)
        if site.request == request { return [] }
        if site.standing == .active, site.publicKeys.contains(publicKey), site.signingKey == signingKey { return [] }
        guard site.codeExpires != nil else {
            throw Problem(.forbidden, "No code is outstanding for \(name): ask the coordinator for a new one.")
        }
        try free(publicKey)
        if let other = sites.values.first(where: { $0.name != name && $0.signingKey == signingKey }) {
            throw Problem(.conflict, "The signing key is that of \(other.name): make a key of the site's own.")
        }
        return [.enrolmentRequested(site: name, publicKey: publicKey, signingKey: signingKey)]
    }

    private func free(_ publicKey: String) throws(Problem) {
        try Self.check(digest: publicKey, "digest of the public key")
        guard !revokedKeys.contains(publicKey) else {
            throw Problem(
                .forbidden, "The TLS key was revoked: delete identity/tls.key at the site and enrol with a fresh one.")
        }
        guard allowed[publicKey] == nil else {
            throw Problem(.conflict, "The TLS key is in use already: make a fresh one.")
        }
    }

    /// What it means for open rounds that a site is gone from a study, or from all.
    func leaving(site: String, study name: String? = nil, reason: String) -> [Event] {
        studies.keys.sorted().compactMap { key in
            guard name.map({ $0 == key }) ?? true, let round = studies[key]?.openRound else { return nil }
            guard round.sites.contains(site) || (round.isCollecting && round.updates[site] != nil) else { return nil }
            return .siteLeft(round: round.reference, site: site, reason: reason)
        }
    }
}

extension Round {
    /// Whether updates may still be taken out of it.
    var isCollecting: Bool { phase == .collecting || (phase == .folding && verdicts.isEmpty) }
}
