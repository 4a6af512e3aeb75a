/// What is to be done next, read off the state: asked again it is the same until its result has come back as a
/// ``Command``. Doing it twice does no harm.
package enum Work: Sendable, Equatable {
    /// Make, or find, the study's initial model → ``Command/initialModelMade(study:model:)``.
    case makeInitialModel(study: String, plan: StudyPlan)
    /// → ``Command/folded(round:verdicts:candidate:)``.
    case fold(FoldWork)
    /// Evaluate on the coordinator's own set → ``Command/coordinatorEvaluated(round:report:problem:)``.
    case evaluate(EvaluationWork)
    /// Combine the reports → ``Command/judged(round:_:)``.
    case judge(JudgeWork)
    /// Delete what is no longer kept → ``Command/deleted(round:objects:)`` with the same objects.
    case delete(DeletionWork)
}

package struct FoldWork: Sendable, Equatable {
    package struct Input: Sendable, Equatable {
        package var site: String
        package var update: ObjectReference
        package var encoding: UpdateEncoding
        package var samples: Int
        /// After the plan's weighting.
        package var weight: Int
        package var norm: Double

        package init(
            site: String, update: ObjectReference, encoding: UpdateEncoding, samples: Int, weight: Int, norm: Double
        ) {
            self.site = site
            self.update = update
            self.encoding = encoding
            self.samples = samples
            self.weight = weight
            self.norm = norm
        }
    }

    package var round: RoundReference
    package var base: ObjectReference
    /// In the order of the sites' names.
    package var inputs: [Input]
    package var plan: StudyPlan

    package init(round: RoundReference, base: ObjectReference, inputs: [Input], plan: StudyPlan) {
        self.round = round
        self.base = base
        self.inputs = inputs
        self.plan = plan
    }
}

package struct EvaluationWork: Sendable, Equatable {
    package var round: RoundReference
    package var base: ObjectReference
    /// Nil in an evaluation study.
    package var candidate: ObjectReference?
    /// Name of the coordinator's set.
    package var set: String
    package var plan: StudyPlan
}

package struct JudgeWork: Sendable, Equatable {
    package struct Report: Sendable, Equatable {
        package var site: String
        /// The signed report as JSON.
        package var object: ObjectReference
    }

    package var round: RoundReference
    package var base: ObjectReference
    package var candidate: ObjectReference?
    /// In the order of the sites' names.
    package var reports: [Report]
    /// Of the coordinator's own evaluation.
    package var coordinator: ObjectReference?
    package var plan: StudyPlan
}

package struct DeletionWork: Sendable, Equatable {
    package var round: RoundReference
    /// To be recorded as deleted.
    package var objects: [String]
    /// Those of them nothing else refers to: the files to delete.
    package var files: [String]
}

/// A round's clock that is running. The service keeps what remains of it on the monotonic clock, also over restarts,
/// and sends ``Command/deadline(_:)`` at its end; a clock that is no longer listed is forgotten.
package struct RoundClock: Codable, Sendable, Hashable {
    package var round: RoundReference
    /// `collecting` or `evaluating`.
    package var phase: Round.Phase
    /// From 0, rising with each extension.
    package var turn: Int
    /// The whole length.
    package var milliseconds: Int64
}
