package import Federation

/// Opens a study from a plan.
package struct CreateStudy: OperatorCommand {
    package static let name = "study-create"
    /// The plan's YAML, word for word.
    package var plan: String
    /// What the plan is called in messages: its file's name.
    package var file: String
    /// The initial weights on the coordinator's disk, when the plan begins from a file: an absolute path.
    package var weights: String?

    package init(plan: String, file: String, weights: String?) {
        self.plan = plan
        self.file = file
        self.weights = weights
    }

    package typealias Answer = StudyReport
}

/// Puts a changed plan in place of a study's; each site must consent anew.
package struct AmendStudy: OperatorCommand {
    package static let name = "study-amend"
    package var study: String
    package var plan: String
    package var file: String
    /// One sentence, for the sites.
    package var reason: String

    package init(study: String, plan: String, file: String, reason: String) {
        self.study = study
        self.plan = plan
        self.file = file
        self.reason = reason
    }

    package typealias Answer = StudyReport
}

/// Starts, pauses, resumes or ends a study.
package struct SteerStudy: OperatorCommand {
    package enum Action: String, Codable, Sendable, CaseIterable { case start, pause, resume, abort }

    package static let name = "study-steer"
    package var study: String
    package var action: Action
    /// One sentence; of a pause and of an end.
    package var reason: String

    package init(study: String, action: Action, reason: String = "") {
        self.study = study
        self.action = action
        self.reason = reason
    }

    package typealias Answer = StudyReport
}

/// How studies stand: one, or all.
package struct ListStudies: OperatorCommand {
    package static let name = "study-status"
    package var study: String?

    package init(study: String?) { self.study = study }

    package typealias Answer = [StudyReport]
}

/// Opens the locked test of a study: an act of the operator, counted for ever.
package struct OpenLockedTest: OperatorCommand {
    package static let name = "locked-test-open"
    package var study: String
    /// Digest of the model it is opened for; nil for the one in force.
    package var model: String?
    /// One sentence.
    package var purpose: String

    package init(study: String, model: String?, purpose: String) {
        self.study = study
        self.model = model
        self.purpose = purpose
    }

    package typealias Answer = StudyReport
}

/// A study as an operator sees it: its record, and what its sites do at this moment.
package struct StudyReport: Codable, Sendable, Equatable {
    /// What a site said when it last asked for work, and what of its update is durable here.
    package struct Live: Codable, Sendable, Equatable {
        package var site: String
        package var connected: Bool
        package var activity: Activity?
        /// Bytes of its update of the open round.
        package var received: Int
        package var bytes: Int
    }

    package var status: StudyStatus
    /// In the order of the sites' names.
    package var live: [Live]
    /// Seconds left of the open round; nil when none is open or it has no deadline.
    package var secondsLeft: Double?
}
