package import Federation
import GRDB

extension Store {
    package var objects: ObjectStore { ObjectStore(folder) }

    /// What the database knows of an object; nil when it knows none.
    package func object(_ digest: String) async throws -> ObjectRecord? {
        try await access { db in try ObjectRecord.fetchOne(db, key: digest) }
    }

    package func objectRecords() async throws -> [ObjectRecord] {
        try await access { db in try ObjectRecord.fetchAll(db) }
    }

    /// Enters an object that is already in its place.
    static func enter(
        _ reference: ObjectReference, kind: ObjectRecord.Kind, at now: Timestamp, in db: Database
    ) throws {
        try ObjectRecord(reference, kind: kind, created: now).insert(db, onConflict: .ignore)
    }

    /// Makes objects and rows agree after a stop of any kind.
    ///
    /// - Parameter wanted: what the state refers to. A file of it without a row gets one again; any other file or row is
    ///   removed. Temporary files are removed; uploads are kept when a row knows them.
    /// - Returns: objects that are wanted, but not there or not of the right size: only a backup can bring those back.
    package func reconcile(wanted: [ObjectReference: ObjectRecord.Kind], at now: Timestamp) async throws
        -> [ObjectReference]
    {
        let store = objects
        return try await transaction { db in
            let open = try String.fetchSet(db, sql: "SELECT id FROM upload WHERE receipt IS NULL")
            ObjectStore.clear(store.folder.making)
            ObjectStore.clear(store.folder.uploads, keeping: open)
            let digests = Set(wanted.keys.map(\.digest))
            for file in store.files().subtracting(digests) { store.remove(file) }
            for row in try ObjectRecord.fetchAll(db) where !digests.contains(row.digest) { try row.delete(db) }
            var lost: [ObjectReference] = []
            for (reference, kind) in wanted {
                if store.holds(reference) {
                    try Self.enter(reference, kind: kind, at: now, in: db)
                } else {
                    lost.append(reference)
                }
            }
            return lost.sorted { $0.digest < $1.digest }
        }
    }
}
