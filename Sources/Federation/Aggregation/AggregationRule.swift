/// How the updates of a round become one: which are taken, and how much each counts.
///
/// A rule sees what is said of the updates, never their numbers; it is a pure function, so that a replay judges alike.
package protocol AggregationRule: Sendable {
    /// - Parameter contributions: verified updates of one round, at most one a site, in any order.
    /// - Returns: one judgement a contribution, in order of site.
    func judge(_ contributions: [Contribution]) -> [UpdateJudgement]
}

/// An update as it stands before the fold.
package struct Contribution: Sendable, Equatable, Codable {
    package var site: String
    /// SHA-256 of the update's file.
    package var update: String
    /// Training cases behind it, 1 or more.
    package var samples: Int
    /// L2 norm of the whole delta, as the receipt says it.
    package var norm: Double

    package init(site: String, update: String, samples: Int, norm: Double) {
        self.site = site
        self.update = update
        self.samples = samples
        self.norm = norm
    }
}

/// What becomes of an update at the fold.
package struct UpdateJudgement: Sendable, Equatable, Codable {
    package var site: String
    package var update: String
    /// `accepted`, `clipped` or `rejected`.
    package var outcome: Verdict.Outcome
    /// Its share in the sum, 1 ..< 2^29; 0 when rejected.
    package var weight: Int
    /// What the delta is multiplied by, above 0 and at most 1; 1 unless clipped.
    package var factor: Double
    /// One sentence for the site.
    package var reason: String

    package init(
        site: String, update: String, outcome: Verdict.Outcome, weight: Int, factor: Double = 1, reason: String
    ) {
        self.site = site
        self.update = update
        self.outcome = outcome
        self.weight = weight
        self.factor = factor
        self.reason = reason
    }

    /// Whether it takes part in the sum.
    package var takesPart: Bool { outcome == .accepted || outcome == .clipped }
}
