package import Statistics

/// A site's yes or no to a study as its plan now stands, signed by the site.
package struct Consent: Message {
    package static let domain = "consilium/1 consent"
    package var federation: String
    package var site: String
    package var study: String
    package var plan: String
    package var agrees: Bool
    /// One sentence; needed when it refuses.
    package var reason: String?

    package init(federation: String, site: String, study: String, plan: String, agrees: Bool, reason: String? = nil) {
        self.federation = federation
        self.site = site
        self.study = study
        self.plan = plan
        self.agrees = agrees
        self.reason = reason
    }
}

/// A site's word that it will not do an assignment, signed by the site.
package struct Refusal: Message {
    package static let domain = "consilium/1 refusal"

    package enum Reason: String, Codable, Sendable, CaseIterable {
        /// The local policy does not allow it.
        case policy
        /// The admin said no.
        case refused
        /// Too few cases, in all or of a class.
        case cases
        /// The data did not pass the gate.
        case data
        /// Not enough memory or disk.
        case resources
        /// Training or evaluation failed.
        case failed
        /// What was to be sent did not pass the egress schema.
        case egress
    }

    package var federation: String
    package var site: String
    package var round: RoundReference
    package var kind: Assignment.Kind
    package var reason: Reason
    /// One sentence for people; at most 300 bytes, never names a case or a path.
    package var detail: String

    package init(
        federation: String, site: String, round: RoundReference, kind: Assignment.Kind, reason: Reason, detail: String
    ) {
        self.federation = federation
        self.site = site
        self.round = round
        self.kind = kind
        self.reason = reason
        self.detail = detail
    }
}

/// How two models do on a site's select cases, signed by the site.
///
/// Scores leave only as counts on fixed bins of the logit, of one positive class against the rest.
package struct EvaluationReport: Message {
    package static let domain = "consilium/1 evaluation"

    /// Counts of one model.
    package struct Scores: Codable, Sendable, Equatable {
        /// Digest of the model.
        package var model: String
        /// Mean loss over the cases.
        package var loss: Double
        /// Cases whose most probable class is the true one.
        package var correct: Int
        /// One histogram a class, in the order of the plan's classes; empty when a class has too few cases.
        package var histograms: [ScoreHistogram]

        package init(model: String, loss: Double, correct: Int, histograms: [ScoreHistogram]) {
            self.model = model
            self.loss = loss
            self.correct = correct
            self.histograms = histograms
        }
    }

    package var federation: String
    package var site: String
    package var round: RoundReference
    package var plan: String
    /// Select cases of each class, in the order of the plan's classes; where a class has too few, one number, of all
    /// together.
    package var cases: [Int]
    /// Base, then candidate.
    package var models: [Scores]
    /// What the site's training cases are to the last of the models, where the plan asks for it and the cases are enough.
    package var familiarity: Familiarity?
    package var software: String

    package init(
        federation: String, site: String, round: RoundReference, plan: String, cases: [Int], models: [Scores],
        familiarity: Familiarity? = nil, software: String
    ) {
        self.federation = federation
        self.site = site
        self.round = round
        self.plan = plan
        self.cases = cases
        self.models = models
        self.familiarity = familiarity
        self.software = software
    }
}

/// Scores of one class against the rest, counted on bins of the logit; neighbours are merged until each holds at
/// least the schema's least number of cases.
package struct ScoreHistogram: Codable, Sendable, Equatable {
    /// One merged bin: bins `first` to `last` of 64 over logits −8…8 (the ends are open).
    package struct Bin: Codable, Sendable, Equatable {
        package var first: Int
        package var last: Int
        /// Cases of the class.
        package var positive: Int
        /// Cases of the other classes.
        package var negative: Int

        package init(first: Int, last: Int, positive: Int, negative: Int) {
            self.first = first
            self.last = last
            self.positive = positive
            self.negative = negative
        }
    }

    /// Index of the class in the plan.
    package var `class`: Int
    package var bins: [Bin]

    package init(class: Int, bins: [Bin]) {
        self.class = `class`
        self.bins = bins
    }
}
