package import Federation
import Foundation

/// What the coordinator has others do for it.
package struct CoordinatorMeans: Sendable {
    /// Evaluates models on the coordinator's own set, in a process of its own: what breaks there costs the evaluation.
    /// - Returns: its report; nobody has signed it.
    /// - Throws: whose description is one sentence for the record.
    package var evaluate: @Sendable (EvaluationWork, ObjectStore) async throws -> EvaluationReport
    /// Writes the model a preset and a seed stand for, at a path.
    package var makeModel: @Sendable (StudyPlan, _ path: String) throws -> ObjectReference
    /// Ends what runs by a TLS key that is no longer let in.
    package var cut: @Sendable (_ publicKey: String) -> Void
    /// The wall clock, for the record and for people; nothing is decided by it but expiry days.
    package var now: @Sendable () -> Timestamp

    package init(
        evaluate: @escaping @Sendable (EvaluationWork, ObjectStore) async throws -> EvaluationReport,
        makeModel: @escaping @Sendable (StudyPlan, _ path: String) throws -> ObjectReference = InitialModel.make,
        cut: @escaping @Sendable (_ publicKey: String) -> Void,
        now: @escaping @Sendable () -> Timestamp = { Timestamp(Date()) }
    ) {
        self.evaluate = evaluate
        self.makeModel = makeModel
        self.cut = cut
        self.now = now
    }
}
