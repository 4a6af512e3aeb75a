package import Federation
package import Statistics

/// What the worker hands over: `result.json`. Nothing in it names a case, a path or a person.
package struct WorkerResult: Codable, Sendable, Equatable {
    /// An update in the task's folder, and all that its header says but the signature.
    package struct Update: Codable, Sendable, Equatable {
        /// Size of the file ``TaskFolder/update``. Its digest is taken by the half that signs it.
        package var bytes: Int
        package var encoding: UpdateEncoding
        package var samples: Int
        package var steps: Int
        /// Mean training loss of the last epoch, or of the last hundred steps.
        package var loss: Double?
        /// As ``UpdateHeader/lacking``.
        package var lacking: [String]?
        /// L2 norm of the whole delta.
        package var norm: Double
        /// In the order of the file: shown to the admin, never sent.
        package var norms: [DeltaWriter.TensorNorm]

        package init(
            bytes: Int, encoding: UpdateEncoding, samples: Int, steps: Int, loss: Double?, lacking: [String]? = nil,
            norm: Double, norms: [DeltaWriter.TensorNorm]
        ) {
            self.bytes = bytes
            self.encoding = encoding
            self.samples = samples
            self.steps = steps
            self.loss = loss
            self.lacking = lacking
            self.norm = norm
            self.norms = norms
        }
    }

    /// What an evaluation report says but who says it.
    package struct Evaluation: Codable, Sendable, Equatable {
        /// As ``EvaluationReport/cases``.
        package var cases: [Int]
        /// Base, then candidate.
        package var models: [EvaluationReport.Scores]
        /// As ``EvaluationReport/familiarity``.
        package var familiarity: Familiarity?

        package init(cases: [Int], models: [EvaluationReport.Scores], familiarity: Familiarity? = nil) {
            self.cases = cases
            self.models = models
            self.familiarity = familiarity
        }
    }

    /// Why the worker did not do it.
    package struct Refusal: Codable, Sendable, Equatable, Error {
        package var reason: Federation.Refusal.Reason
        /// One sentence of at most 300 bytes that may leave the site.
        package var detail: String
        /// One sentence for the site's own people: it may name cases and paths, and never leaves.
        package var local: String?

        package init(_ reason: Federation.Refusal.Reason, _ detail: String, local: String? = nil) {
            self.reason = reason
            self.detail = detail
            self.local = local
        }
    }

    package enum Outcome: Codable, Sendable, Equatable {
        case update(Update)
        case evaluation(Evaluation)
        case refusal(Refusal)
    }

    package var format: Int
    package var round: RoundReference
    /// SHA-256 of the plan it was made by.
    package var plan: String
    /// SHA-256 of the model it was made from.
    package var base: String
    /// Program, version and, where a model ran, mathematics library and precision.
    package var software: String
    package var outcome: Outcome

    package init(_ outcome: Outcome, of task: WorkerTask, device: String? = nil) {
        format = WorkerTask.format
        round = task.round
        plan = task.planDigest
        base = task.base.digest
        software = device.map { "\(task.software); \($0)" } ?? task.software
        self.outcome = outcome
    }

    /// The update's header, for the agent to sign; nil when the outcome is no update.
    /// - Parameter update: the file, as the agent saw it.
    package func header(federation: String, site: String, update: ObjectReference) -> UpdateHeader? {
        guard case .update(let made) = outcome else { return nil }
        return UpdateHeader(
            federation: federation, site: site, round: round, plan: plan, base: base, update: update,
            encoding: made.encoding, samples: made.samples, steps: made.steps, loss: made.loss, lacking: made.lacking,
            software: software)
    }

    /// The report, for the agent to sign; nil when the outcome is no evaluation.
    package func report(federation: String, site: String) -> EvaluationReport? {
        guard case .evaluation(let made) = outcome else { return nil }
        return EvaluationReport(
            federation: federation, site: site, round: round, plan: plan, cases: made.cases, models: made.models,
            familiarity: made.familiarity, software: software)
    }
}
