import GRDB

extension Store {
    /// Codes that were made and not forgotten, also those that are over or burned.
    package func codes() async throws -> [EnrolmentCodeRecord] {
        try await access { db in try EnrolmentCodeRecord.fetchAll(db) }
    }

    package func removeCode(of site: String) async throws {
        _ = try await transaction { db in try EnrolmentCodeRecord.deleteOne(db, key: site) }
    }
}
