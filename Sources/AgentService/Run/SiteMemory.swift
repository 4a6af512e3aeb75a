package import Federation

/// What an agent remembers of its federation, so that a coordinator cannot take it back in time unnoticed.
package struct SiteMemory: Codable, Sendable, Equatable {
    /// A study as this site stands to it.
    package struct Study: Codable, Sendable, Equatable {
        /// Digest of the plan last answered.
        package var plan: String?
        package var agrees: Bool?
        /// Why not.
        package var reason: String?
        /// Whether the reason is the policy's, so that another policy may answer otherwise.
        package var byPolicy = false
        /// Whether the coordinator has the answer.
        package var delivered = false
        /// The plan the answer waits for, with `manual`.
        package var waiting: String?
        /// Newest round and attempt taken up, which later ones may not fall behind.
        package var round = 0
        package var attempt = 0

        package init() {}

        /// Notes this site's answer to a plan; it is to be delivered.
        package mutating func answer(plan: String, agrees: Bool, reason: String?, byPolicy: Bool = false) {
            guard self.plan != plan || self.agrees != agrees || self.reason != reason else { return }
            self.plan = plan
            self.agrees = agrees
            self.reason = reason
            self.byPolicy = byPolicy
            delivered = false
            waiting = nil
        }
    }

    /// Newest end of the transcript seen.
    package var head: TranscriptHead?
    /// Set when the coordinator came back with an older history: from then on nothing is approved automatically until
    /// the admin accepts that history.
    package var olderHistory: String?
    package var studies: [String: Study] = [:]
    /// Rises when the admin accepts another history: orders of earlier epochs may be replaced.
    package var epoch = 0
    /// The admin's word on releases, by name: the digest of the model let in, or empty for no.
    package var releases: [String: String] = [:]

    package init() {}

    /// Whether an assignment's round is not behind what was taken up before.
    package func accepts(_ round: RoundReference) -> Bool {
        guard let known = studies[round.study] else { return true }
        return (round.round, round.attempt) >= (known.round, known.attempt)
    }

    /// Notes a round as taken up.
    package mutating func took(_ round: RoundReference) {
        var study = studies[round.study] ?? Study()
        if (round.round, round.attempt) > (study.round, study.attempt) {
            study.round = round.round
            study.attempt = round.attempt
        }
        studies[round.study] = study
    }

    /// Compares a poll's answer with what was seen before.
    /// - Returns: a sentence when the history is older or another one.
    package mutating func saw(_ new: TranscriptHead, knowsOld: Bool) -> String? {
        guard let old = head else {
            head = new
            return nil
        }
        if !knowsOld || new.sequence < old.sequence || (new.sequence == old.sequence && new.hash != old.hash) {
            // The newest head stays remembered until the admin accepts the other history.
            guard olderHistory == nil else { return nil }
            let sentence =
                "the coordinator's history is not the one seen before (it had \(old.sequence) rows, now "
                + "\(new.sequence)): a backup was restored, or somebody changed it; nothing is approved automatically "
                + "until `agent approve history`"
            olderHistory = sentence
            return sentence
        }
        if new.sequence > old.sequence { head = new }
        return nil
    }

    /// The admin's word that the history as it is now is right: rounds may be given out anew.
    package mutating func acceptHistory() {
        olderHistory = nil
        head = nil
        epoch += 1
        for name in studies.keys {
            studies[name]?.round = 0
            studies[name]?.attempt = 0
        }
    }
}
