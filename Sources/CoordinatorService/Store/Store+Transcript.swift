package import Federation
import GRDB

extension TranscriptRow {
    init(_ row: Row) {
        self.init(
            sequence: row["sequence"], time: Timestamp(milliseconds: row["time"]), text: row["text"],
            previous: row["previous"], hash: row["hash"])
    }

    func insert(in db: Database) throws {
        let statement = try db.cachedStatement(
            sql: "INSERT INTO transcript (sequence, time, text, previous, hash) VALUES (?, ?, ?, ?, ?)")
        try statement.execute(arguments: [sequence, time.milliseconds, text, previous, hash])
    }
}

extension Store {
    /// Rows of the transcript after a sequence number, in order.
    package func transcript(after sequence: Int, limit: Int) async throws -> [TranscriptRow] {
        try await access { db in try Self.transcript(db, after: sequence, limit: limit) }
    }

    static func transcript(_ db: Database, after sequence: Int, limit: Int) throws -> [TranscriptRow] {
        try Row.fetchAll(
            db, sql: "SELECT * FROM transcript WHERE sequence > ? ORDER BY sequence LIMIT ?",
            arguments: [sequence, limit]
        ).map(TranscriptRow.init)
    }

    /// Whether a head that somebody saw is part of this transcript.
    package func knows(_ head: TranscriptHead) async throws -> Bool {
        guard head.sequence > 0 else { return head == Transcript.beginning }
        return try await access { db in
            let hash = try String.fetchOne(
                db, sql: "SELECT hash FROM transcript WHERE sequence = ?", arguments: [head.sequence])
            return hash == head.hash
        }
    }
}
