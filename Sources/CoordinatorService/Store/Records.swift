package import Federation
import GRDB

/// A row of `object`: bytes that are durable in the object store.
package struct ObjectRecord: Codable, Sendable, Equatable, FetchableRecord, PersistableRecord {
    package static let databaseTableName = "object"

    package var digest: String
    package var bytes: Int
    /// Milliseconds since 1970.
    package var created: Int64

    package init(_ reference: ObjectReference, created: Timestamp) {
        digest = reference.digest
        bytes = reference.bytes
        self.created = created.milliseconds
    }

    package var reference: ObjectReference { ObjectReference(digest: digest, bytes: bytes) }
}

/// A row of `upload`: one site's update of one attempt, on its way, complete or refused.
package struct UploadRecord: Codable, Sendable, Equatable, FetchableRecord, PersistableRecord {
    package static let databaseTableName = "upload"

    package var id: String
    package var site: String
    package var study: String
    package var round: Int
    package var attempt: Int
    /// `Signed<UpdateHeader>` as JSON.
    package var header: String
    package var digest: String
    package var bytes: Int
    /// Bytes that are durable.
    package var offset: Int
    /// Whether the update is verified, in the object store and in the transcript.
    package var complete: Bool
    /// `Problem` as JSON, when its bytes were refused; they are gone, and sending the same again is refused at once.
    package var problem: String?

    package var reference: RoundReference { RoundReference(study: study, round: round, attempt: attempt) }

    /// Forgets the uploads of a round: what came of them is in the transcript.
    static func forget(_ round: RoundReference, in db: Database) throws {
        try db.execute(
            sql: "DELETE FROM upload WHERE study = ? AND round = ? AND attempt = ?",
            arguments: [round.study, round.round, round.attempt])
    }
}

/// A row of `round_clock`: what is left of a round's time.
package struct RoundClockRecord: Codable, Sendable, Equatable, FetchableRecord, PersistableRecord {
    package static let databaseTableName = "round_clock"

    package var study: String
    package var round: Int
    package var attempt: Int
    package var phase: Round.Phase
    package var turn: Int
    /// Milliseconds.
    package var remaining: Int64

    package init(_ clock: RoundClock, remaining: Int64) {
        study = clock.round.study
        round = clock.round.round
        attempt = clock.round.attempt
        phase = clock.phase
        turn = clock.turn
        self.remaining = remaining
    }

    /// Whether it is about this clock.
    package func measures(_ clock: RoundClock) -> Bool {
        self == RoundClockRecord(clock, remaining: remaining)
    }
}

/// A row of `enrolment_code`: the one code outstanding for a site.
package struct EnrolmentCodeRecord: Codable, Sendable, Equatable, FetchableRecord, PersistableRecord {
    package static let databaseTableName = "enrolment_code"

    package var site: String
    /// The code's confirmation key, which is a SHA-256 of its secret; the secret itself is nowhere.
    package var secret: String
    /// Milliseconds since 1970.
    package var expires: Int64
    /// Wrong answers so far.
    package var tries: Int
    /// Whether the key that comes with the code is approved without asking.
    package var automatic: Bool

    package init(site: String, secret: String, expires: Timestamp, tries: Int = 0, automatic: Bool = false) {
        self.site = site
        self.secret = secret
        self.expires = expires.milliseconds
        self.tries = tries
        self.automatic = automatic
    }
}
