import GRDB

/// The tables, and how a file comes to have them.
enum Schema {
    /// `Cons`, in the file's header: what kind of SQLite file this is.
    static let applicationID = 0x436F_6E73

    /// One entry a version of the file, never changed once released: what brings the version before it up to it.
    static let migrations = [
        """
        CREATE TABLE transcript (
            sequence INTEGER PRIMARY KEY,
            time INTEGER NOT NULL,
            text TEXT NOT NULL,
            previous TEXT NOT NULL,
            hash TEXT NOT NULL
        ) STRICT;
        CREATE TABLE object (
            digest TEXT PRIMARY KEY,
            bytes INTEGER NOT NULL,
            created INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE upload (
            id TEXT PRIMARY KEY,
            site TEXT NOT NULL,
            study TEXT NOT NULL,
            round INTEGER NOT NULL,
            attempt INTEGER NOT NULL,
            header TEXT NOT NULL,
            digest TEXT NOT NULL,
            bytes INTEGER NOT NULL,
            offset INTEGER NOT NULL,
            complete INTEGER NOT NULL,
            problem TEXT,
            CHECK (offset BETWEEN 0 AND bytes),
            CHECK (NOT complete OR offset = bytes)
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX upload_of_site ON upload (study, round, attempt, site);
        CREATE TABLE round_clock (
            study TEXT NOT NULL,
            round INTEGER NOT NULL,
            attempt INTEGER NOT NULL,
            phase TEXT NOT NULL,
            turn INTEGER NOT NULL,
            remaining INTEGER NOT NULL,
            PRIMARY KEY (study, round, attempt, phase, turn)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE enrolment_code (
            site TEXT PRIMARY KEY,
            secret TEXT NOT NULL,
            expires INTEGER NOT NULL,
            tries INTEGER NOT NULL,
            automatic INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """
    ]

    /// Checks that a file is ours and whole, and brings it up to date.
    static func prepare(_ db: Database, path: String) throws {
        let application = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        let isEmpty = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") == 0
        guard application == applicationID || (application == 0 && isEmpty) else {
            throw StoreError(.notOurs, "\(path) is not a database of Consilium; give another state folder")
        }
        let check = try String.fetchAll(db, sql: "PRAGMA quick_check(1)")
        guard check == ["ok"] else {
            throw StoreError(.damaged, "\(path) is damaged (\(check.first ?? "")); restore it from a backup")
        }
        let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        guard found <= migrations.count else {
            throw StoreError(.notOurs, "\(path) was written by a newer version; use that version's coordinator")
        }
        // The version is part of the transaction: a crash leaves the old file or the new one.
        for (version, migration) in zip(1..., migrations) where version > found {
            try db.inTransaction(.immediate) {
                try db.execute(sql: migration)
                try db.execute(sql: "PRAGMA application_id = \(applicationID); PRAGMA user_version = \(version)")
                return .commit
            }
        }
    }
}
