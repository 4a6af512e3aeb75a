import Files
package import Federation
import Foundation
import GRDB
import Glibc

/// What a backup says of itself; written last, so that a folder with it is a whole backup.
package struct BackupRecord: Codable, Sendable, Equatable {
    package static let name = "backup.json"

    package var head: TranscriptHead
    package var objects: Int
    package var bytes: Int
    package var made: Timestamp
    package var software: String
}

/// A backup: database, objects, keys and configuration, as one moment of a coordinator that may go on serving.
struct BackupFolder {
    let path: String

    private var folder: StateFolder { StateFolder(path) }

    /// Fills the folder.
    ///
    /// Objects never change, so another name for them is a copy; those that were there before the database was copied
    /// and those it knows afterwards are together all it needs. Uploads on their way are left out: agents send them
    /// again.
    func fill(from store: Store) async throws -> BackupRecord {
        try FolderCopy.prepare(path)
        let target = folder
        guard mkdir(target.objects, 0o700) == 0, mkdir(target.authority, 0o700) == 0 else {
            throw OperatorError("\(path) cannot be written: \(String(cString: strerror(errno))); check the disk")
        }
        for object in try await store.objectRecords() { try? place(object, of: store) }
        var contents = try await copyDatabase(of: store)
        // An object may come and go between the two looks, when a round ends just then; a newer copy does not know it.
        for _ in 0..<5 where !(try placeAll(contents.objects, of: store)) {
            contents = try await copyDatabase(of: store)
        }
        guard try placeAll(contents.objects, of: store) else {
            throw OperatorError("\(path) is incomplete: an object the record needs is missing; run coordinator verify")
        }
        let needed = Set(contents.objects.map(\.digest))
        for digest in ObjectStore(target).files().subtracting(needed) { ObjectStore(target).remove(digest) }
        for name in ObjectStore.names(in: store.folder.authority) {
            try FolderCopy.copy(store.folder.authority(name), to: target.authority(name))
        }
        try FolderCopy.copy(store.folder.configuration, to: target.configuration)
        for shelf in ObjectStore.names(in: target.objects) {
            DurableFile.synchronise(folder: target.objects + "/" + shelf)
        }
        DurableFile.synchronise(folder: target.objects)
        let record = BackupRecord(
            head: contents.head, objects: contents.objects.count, bytes: contents.objects.reduce(0) { $0 + $1.bytes },
            made: Timestamp(Date()), software: Software.name)
        try DurableFile.write(
            (MessageCoding.encode(record) + "\n").utf8, to: path + "/" + BackupRecord.name)
        return record
    }

    /// A copy of the database, without the uploads that are on their way.
    private func copyDatabase(of store: Store) async throws -> (head: TranscriptHead, objects: [ObjectRecord]) {
        for ending in ["", "-wal", "-shm", "-journal"] { unlink(folder.database + ending) }
        try await store.copyDatabase(to: folder.database)
        chmod(folder.database, 0o600)
        let copy = try DatabaseQueue(path: folder.database)
        defer { try? copy.close() }
        return try copy.inDatabase { db in
            try db.execute(sql: "DELETE FROM upload WHERE NOT complete")
            let rows = try Store.transcript(db, after: try Self.rows(db) - 1, limit: 1)
            return (rows.last?.head ?? Transcript.beginning, try ObjectRecord.fetchAll(db))
        }
    }

    private static func rows(_ db: Database) throws -> Int {
        try Int.fetchOne(db, sql: "SELECT max(sequence) FROM transcript") ?? 0
    }

    /// - Returns: whether every object is in the backup now.
    private func placeAll(_ objects: [ObjectRecord], of store: Store) throws -> Bool {
        for object in objects where !ObjectStore(folder).holds(object.reference) {
            do { try place(object, of: store) } catch {
                if store.objects.holds(object.reference) { throw error }
                return false
            }
        }
        return true
    }

    private func place(_ object: ObjectRecord, of store: Store) throws {
        let target = ObjectStore(folder).path(of: object.digest)
        mkdir(DiskSpace.folder(of: target), 0o700)
        try FolderCopy.place(store.objects.path(of: object.digest), at: target)
    }
}
