package import Federation
import GRDB

extension ObjectRecord {
    /// Enters an object that is already in its place.
    static func enter(_ reference: ObjectReference, at now: Timestamp, in db: Database) throws {
        try ObjectRecord(reference, created: now).insert(db, onConflict: .ignore)
    }
}

extension Store {
    package var objects: ObjectStore { ObjectStore(folder) }

    /// What the database knows of an object; nil when it knows none.
    package func object(_ digest: String) async throws -> ObjectRecord? {
        try await access { db in try ObjectRecord.fetchOne(db, key: digest) }
    }

    package func objectRecords() async throws -> [ObjectRecord] {
        try await access { db in try ObjectRecord.fetchAll(db) }
    }

    /// Makes objects and rows agree after a stop of any kind, and removes temporary files.
    ///
    /// Files and rows that nothing refers to go; an object that an operator brought in stays a day, in which a study can
    /// come to refer to it.
    /// - Parameter refers: whether the state refers to an object.
    /// - Returns: digests that are referred to, with a row, but not there or not of the right size: only a backup can
    ///   bring those back.
    package func reconcile(at now: Timestamp, refers: @escaping @Sendable (String) -> Bool) async throws -> [String] {
        let store = objects
        return try await transaction { db in
            let open = try String.fetchSet(db, sql: "SELECT id FROM upload WHERE NOT complete AND problem IS NULL")
            ObjectStore.clear(store.folder.making)
            ObjectStore.clear(store.folder.uploads, keeping: open)
            let rows = try ObjectRecord.fetchAll(db)
            let known = Dictionary(uniqueKeysWithValues: rows.map { ($0.digest, $0) })
            for file in store.files() where known[file] == nil {
                guard refers(file), let bytes = store.size(of: file) else {
                    store.remove(file)
                    continue
                }
                try ObjectRecord.enter(ObjectReference(digest: file, bytes: bytes), at: now, in: db)
            }
            var lost: [String] = []
            for row in rows {
                if refers(row.digest) {
                    if !store.holds(row.reference) { lost.append(row.digest) }
                } else if now.seconds(since: Timestamp(milliseconds: row.created)) > 86_400
                    || !store.holds(row.reference)
                {
                    store.remove(row.digest)
                    try row.delete(db)
                }
            }
            return lost.sorted()
        }
    }
}
