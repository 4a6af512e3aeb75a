package import Federation
import Foundation

extension JudgeWork {
    /// Combines the reports on a candidate.
    /// - Throws: `StoreError` when a report cannot be read.
    package func carryOut(_ objects: ObjectStore) throws -> Judgement {
        Judgement(change: nil)
    }
}
