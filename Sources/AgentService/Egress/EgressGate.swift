package import Federation
import Cryptography
import Foundation
package import Identity
import Synchronization

/// The one door out of the site: a message is checked against the closed schema, signed, and written to the egress log
/// before it may be sent; what does not fit is written there too, and stays.
package struct EgressGate: Sendable {
    let signingKey: SigningKey
    let log: EgressLog
    let now: @Sendable () -> Timestamp

    package init(
        signingKey: SigningKey, log: EgressLog, now: @escaping @Sendable () -> Timestamp = { Timestamp(Date()) }
    ) {
        self.signingKey = signingKey
        self.log = log
        self.now = now
    }

    /// Checks and signs a message.
    /// - Throws: ``EgressStop``, after the log has its line.
    package func sign<Body: Message>(
        _ body: Body, as kind: EgressKind, limits: EgressLimits = .standard, round: RoundReference? = nil
    ) throws -> Signed<Body> {
        let text = try MessageCoding.encode(body)
        try check(text, as: kind, limits: limits, round: round)
        return try Signed(body, by: signingKey)
    }

    /// Checks a message that is not signed, such as a poll.
    package func check(
        _ text: String, as kind: EgressKind, limits: EgressLimits = .standard, round: RoundReference? = nil
    ) throws {
        do { try EgressSchema.check(text, as: kind, limits: limits) } catch {
            try stop(kind, text, round: round, reason: error.description)
            throw EgressStop(error.description)
        }
    }

    /// Checks a message that is not signed and writes it down, to leave next.
    package func pass(_ message: some Encodable, as kind: EgressKind) throws {
        let text = try MessageCoding.encode(message)
        try check(text, as: kind)
        try note(kind, text)
    }

    /// Writes down what was kept from leaving.
    package func stop(_ kind: EgressKind, _ text: String, round: RoundReference?, reason: String) throws {
        try log.append(line(.stopped, kind, text, round: round, reason: reason))
    }

    /// Writes down what leaves next.
    package func note(
        _ kind: EgressKind, _ text: String, round: RoundReference? = nil, study: String? = nil,
        update: (reference: ObjectReference, norms: [SiteStatus.LayerNorm])? = nil
    ) throws {
        var line = line(.sending, kind, text, round: round)
        line.study = line.study ?? study
        if let update {
            line.digest = update.reference.digest
            line.bytes = update.reference.bytes
            line.norms = Dictionary(update.norms.map { ($0.name, $0.norm) }, uniquingKeysWith: { first, _ in first })
        }
        // What a poll says of the work's phases may be lost with the power; the work's own lines may not.
        try log.append(line, isDurable: kind != .poll)
    }

    private func line(
        _ event: EgressLog.Line.Event, _ kind: EgressKind, _ text: String, round: RoundReference?, reason: String? = nil
    ) -> EgressLog.Line {
        EgressLog.Line(
            time: now(), event: event, kind: kind.rawValue, study: round?.study, round: round,
            digest: Array(text.utf8).withUnsafeBytes { SHA256.hex(of: $0) }, bytes: text.utf8.count,
            fields: EgressLog.fields(of: text), reason: reason)
    }
}
