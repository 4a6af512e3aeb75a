extension FederationState {
    /// What must be done next, in a fixed order.
    package var pendingWork: [Work] { fatalError("not yet") }
    /// Clocks that run.
    package var clocks: [RoundClock] { fatalError("not yet") }

    /// The site a TLS key belongs to; nil when it is not let in.
    package func site(publicKey: String) -> String? { allowed[publicKey] }
    package func isActive(publicKey: String) -> Bool { allowed[publicKey] != nil }
    /// The key a site signs with; nil when it is not active.
    package func signingKey(of site: String) -> String? { fatalError("not yet") }

    /// Open studies a site is invited to, by name; the plans are to be signed.
    package func offers(for site: String) -> [Offer] { fatalError("not yet") }
    /// What a site is asked to do and has not yet done; to be signed.
    package func assignments(for site: String) -> [Assignment] { fatalError("not yet") }
    /// Verdicts on a site's updates of the last rounds of each study; to be signed.
    package func verdicts(for site: String) -> [Verdict] { fatalError("not yet") }
    /// Releases a site is told of.
    package func releases(for site: String) -> [Signed<ReleaseCard>] { fatalError("not yet") }
    /// The receipt of an update that was received; to be signed.
    package func receipt(for round: RoundReference, site: String) -> Receipt? { fatalError("not yet") }
    /// Whether a site may fetch an object.
    package func mayRead(site: String, digest: String) -> Bool { fatalError("not yet") }
    /// Whether anything that is kept refers to an object.
    package func refers(to digest: String) -> Bool { fatalError("not yet") }

    /// How a study stands, for people.
    package func status(of study: String) -> StudyStatus? { fatalError("not yet") }
}

/// A study as a site is told of it, but for the signature.
package struct Offer: Sendable, Equatable {
    package var document: PlanDocument
    package var standing: StudyOffer.Standing
    /// `collecting`, `paused` and so on.
    package var state: String
    package var round: Int
}
