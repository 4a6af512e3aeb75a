package import Federation
import GRDB

extension Coordinator {
    /// How the updates of a round's attempt have come along, by site.
    func uploads(of round: RoundReference) async throws -> [String: UploadRecord] {
        let records = try await store.access { db in
            try UploadRecord.fetchAll(
                db, sql: "SELECT * FROM upload WHERE study = ? AND round = ? AND attempt = ?",
                arguments: [round.study, round.round, round.attempt])
        }
        return Dictionary(uniqueKeysWithValues: records.map { ($0.site, $0) })
    }

    /// Takes a copy of a model file into the object store, for a plan to begin from.
    package func bring(_ file: String) async throws -> ObjectReference {
        let reference = try store.objects.take(copyOf: file)
        let now = means.now()
        try await store.transaction { db in try ObjectRecord.enter(reference, at: now, in: db) }
        return reference
    }
}
