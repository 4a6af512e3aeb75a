package import Federation
import GRDB

/// What became of an answer to an enrolment code.
package enum CodeTrial: Sendable, Equatable {
    case right
    case wrong(triesLeft: Int)
    /// There is no code for the site, or it is over.
    case none
    /// This wrong answer was the last one: the code is gone.
    case burned
}

extension Store {
    /// Codes that are outstanding, also those that are over but not yet forgotten.
    package func codes() async throws -> [EnrolmentCodeRecord] {
        try await access { db in try EnrolmentCodeRecord.fetchAll(db) }
    }

    /// Puts a site's code in the place of the one before.
    package func setCode(_ code: EnrolmentCodeRecord) async throws {
        try await transaction { db in try code.insert(db, onConflict: .replace) }
    }

    package func removeCode(of site: String) async throws {
        _ = try await transaction { db in try EnrolmentCodeRecord.deleteOne(db, key: site) }
    }

    /// Judges an answer, counting it when it is wrong.
    /// - Parameters:
    ///   - isRight: judges the SHA-256 of the secret that is kept.
    ///   - limit: wrong answers that burn the code.
    package func tryCode(
        of site: String, at now: Timestamp, limit: Int = 5, isRight: @escaping @Sendable (String) -> Bool
    ) async throws -> CodeTrial {
        try await transaction { db in
            guard var code = try EnrolmentCodeRecord.fetchOne(db, key: site), now.milliseconds < code.expires else {
                return .none
            }
            if isRight(code.secret) { return .right }
            code.tries += 1
            guard code.tries < limit else {
                try code.delete(db)
                return .burned
            }
            try code.update(db)
            return .wrong(triesLeft: limit - code.tries)
        }
    }
}
