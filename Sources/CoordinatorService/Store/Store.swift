import Dispatch
package import GRDB
import Synchronization

/// The coordinator's database: the transcript and the small tables beside it.
///
/// There is one connection, and all use of it is in one line: a decision reads the state, writes its rows and becomes
/// the new state before the next is looked at.
package final class Store: Sendable {
    package let folder: StateFolder
    package let reserve: DiskReserve
    private let lock: StateLock
    private let database: DatabaseQueue
    private let line = DispatchQueue(label: "consilium.store", qos: .userInitiated)
    /// Set when a commit's outcome is unknown: from then on nothing is decided until a restart has read the file again.
    private let broken = Mutex<StoreError?>(nil)

    /// Opens the state folder, making what is missing, and checks the database's pages.
    /// - Parameter reserve: bytes of disk kept back so that the transcript and revocations can be written on a full
    ///   disk.
    /// - Throws: ``StoreError`` when the folder is in use, not ours, damaged, or cannot be written.
    package init(_ folder: StateFolder, reserve: Int = 64 << 20) throws(StoreError) {
        try folder.make()
        self.folder = folder
        lock = try StateLock(folder)
        self.reserve = DiskReserve(folder.reserve, bytes: reserve)
        var configuration = Configuration()
        configuration.label = "consilium"
        configuration.foreignKeysEnabled = true
        configuration.prepareDatabase { db in
            // Exclusive: a second connection, of whatever program, is refused instead of endangering the file.
            try db.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
            try db.execute(sql: "PRAGMA journal_mode = WAL")
            try db.execute(sql: "PRAGMA synchronous = FULL")
        }
        do {
            database = try DatabaseQueue(path: folder.database, configuration: configuration)
            try database.inDatabase { db in try Schema.prepare(db, path: folder.database) }
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError(
                .damaged, "\(folder.database) cannot be opened: \(Self.reason(error)); restore it from a backup")
        }
        self.reserve.fill()
    }

    /// Uses the connection, outside a transaction, when its turn has come.
    ///
    /// A cancelled task does not cut it short: what has begun is carried to its end.
    package func access<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            line.async { continuation.resume(with: Result { try self.database.inDatabase(body) }) }
        }
    }

    /// One transaction, and what is to be done when it is durable, as one step in the line.
    /// - Parameters:
    ///   - body: reads and writes; when it throws, nothing was written.
    ///   - committed: is called on the same turn once the rows are durable.
    package func transaction<T: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> T, committed: @escaping @Sendable (T) -> Void = { _ in }
    ) async throws -> T {
        try await access { db in
            if let error = self.broken.withLock({ $0 }) { throw error }
            let value: T
            do {
                value = try self.attempt(db, body)
            } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL && self.reserve.release() {
                value = try self.attempt(db, body)
            }
            committed(value)
            return value
        }
    }

    private func attempt<T>(_ db: Database, _ body: (Database) throws -> T) throws -> T {
        var value: T?
        do {
            try db.inTransaction(.immediate) {
                value = try body(db)
                return .commit
            }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_IOERR {
            // A write that failed at fsync may or may not be on the disk; only reading it again tells.
            let problem = StoreError(
                .cannotWrite, "\(folder.database) cannot be written (\(Self.reason(error))); check the disk and restart"
            )
            broken.withLock { $0 = problem }
            throw problem
        }
        guard let value else { throw StoreError(.cannotWrite, "\(folder.database): a transaction gave no result") }
        return value
    }

    /// A consistent copy of the database, made through the one connection.
    package func copyDatabase(to path: String) async throws {
        try await access { db in try db.execute(sql: "VACUUM INTO ?", arguments: [path]) }
    }

    /// Ends the connection, writing the WAL back into the database, and gives the folder back.
    package func close() throws {
        try line.sync { try database.close() }
        lock.release()
    }

    static func reason(_ error: any Error) -> String {
        guard let error = error as? DatabaseError else { return "\(error)" }
        return error.message ?? "SQLite error \(error.resultCode.rawValue)"
    }
}
