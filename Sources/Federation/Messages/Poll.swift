/// What an agent says when it asks for work; answered at once when something is new, otherwise when `wait` is over.
package struct PollRequest: Codable, Sendable, Equatable {
    /// Program and version.
    package var software: String
    /// Newest end of the transcript the agent has seen.
    package var head: TranscriptHead?
    /// What the last answer called itself; nil for the first question.
    package var known: String?
    /// Seconds to wait for news, 0…55.
    package var wait: Int
    /// What it is doing, at most one a study.
    package var activities: [Activity]

    package init(software: String, head: TranscriptHead?, known: String?, wait: Int, activities: [Activity]) {
        self.software = software
        self.head = head
        self.known = known
        self.wait = wait
        self.activities = activities
    }
}

/// How far a site is with its assignment.
package struct Activity: Codable, Sendable, Equatable {
    package enum Phase: String, Codable, Sendable, CaseIterable {
        case fetching, waiting, training, evaluating, approval, sending, done, refused
    }

    package var round: RoundReference
    package var phase: Phase
    /// Steps, cases or bytes done, and how many there are.
    package var done: Int
    package var total: Int

    package init(round: RoundReference, phase: Phase, done: Int, total: Int) {
        self.round = round
        self.phase = phase
        self.done = done
        self.total = total
    }
}

/// All that concerns a site now. It is a state, not a queue: asking again loses nothing and repeats nothing.
package struct PollAnswer: Codable, Sendable, Equatable {
    /// Names this state; to be given back as `known`.
    package var token: String
    package var now: Timestamp
    package var head: TranscriptHead
    /// Whether the head the agent has seen is part of this transcript; false after an older backup was restored.
    package var knowsHead: Bool
    /// Open studies the site is invited to, with its own standing.
    package var studies: [StudyOffer]
    /// What it is asked to do, and has not yet done.
    package var assignments: [Signed<Assignment>]
    /// Verdicts on its updates of the last rounds.
    package var verdicts: [Signed<Verdict>]
    /// Releases it may fetch.
    package var releases: [Signed<ReleaseCard>]

    package init(
        token: String, now: Timestamp, head: TranscriptHead, knowsHead: Bool, studies: [StudyOffer],
        assignments: [Signed<Assignment>], verdicts: [Signed<Verdict>], releases: [Signed<ReleaseCard>]
    ) {
        self.token = token
        self.now = now
        self.head = head
        self.knowsHead = knowsHead
        self.studies = studies
        self.assignments = assignments
        self.verdicts = verdicts
        self.releases = releases
    }
}

/// A study as a site sees it.
package struct StudyOffer: Codable, Sendable, Equatable {
    package enum Standing: String, Codable, Sendable { case invited, consented, refused }

    package var name: String
    /// The plan as signed by the coordinator; its text is YAML.
    package var plan: Signed<PlanDocument>
    package var standing: Standing
    /// `collecting`, `evaluating`, `paused`, `finished` and so on, for people.
    package var state: String
    package var round: Int

    package init(name: String, plan: Signed<PlanDocument>, standing: Standing, state: String, round: Int) {
        self.name = name
        self.plan = plan
        self.standing = standing
        self.state = state
        self.round = round
    }
}

/// A plan as it travels: the YAML text, word for word, with the study it belongs to.
package struct PlanDocument: Message {
    package static let domain = "consilium/1 plan"
    package var federation: String
    package var study: String
    /// 1 for the first, rising with each amendment.
    package var version: Int
    /// SHA-256 of `text`: the plan's digest everywhere else.
    package var digest: String
    package var text: String

    package init(federation: String, study: String, version: Int, digest: String, text: String) {
        self.federation = federation
        self.study = study
        self.version = version
        self.digest = digest
        self.text = text
    }
}
