import AgentService
import Cryptography
import Federation
import Foundation
import Identity
import Synchronization
import Transport

/// A coordinator without a network: it keeps what it was told, and answers as it is set up.
final class FakeCoordinator: CoordinatorLink {
    struct Told: Sendable {
        var polls: [PollRequest] = []
        var consents: [Consent] = []
        var refusals: [Federation.Refusal] = []
        var reports: [EvaluationReport] = []
        var updates: [UpdateHeader] = []
        var uploads = 0
    }

    struct Setting: Sendable {
        var token = 0
        var head = TranscriptHead(sequence: 1, hash: String(repeating: "1", count: 64))
        var knowsHead = true
        var studies: [StudyOffer] = []
        var assignments: [Signed<Assignment>] = []
        var verdicts: [Signed<Verdict>] = []
        var releases: [Signed<ReleaseCard>] = []
        var objects: [String: [UInt8]] = [:]
        /// What an upload is answered with instead of a receipt.
        var refusal: TransportError?
        /// Errors that pass, given to that many calls first.
        var cuts = 0
        var told = Told()
    }

    static let federation = "test-federation"
    static let site = "hospital-a"
    let key = SigningKey()
    /// Signs the site's messages.
    let siteKey = SigningKey()
    private let setting = Mutex(Setting())

    var told: Told { setting.withLock { $0.told } }

    /// Changes what is answered; a poll that is held sees it.
    func set(_ change: (inout Setting) throws -> Void) rethrows {
        try setting.withLock { setting in
            try change(&setting)
            setting.token += 1
        }
    }

    func identity() throws -> SiteIdentity {
        SiteIdentity(
            record: FederationRecord(
                federation: Self.federation, site: Self.site, address: "coordinator.test:8443",
                coordinatorKey: key.publicKey.hex),
            signingKey: siteKey, coordinatorKey: key.publicKey, root: "")
    }

    // MARK: CoordinatorLink

    private func cut() throws(TransportError) {
        let isCut = setting.withLock { setting in
            guard setting.cuts > 0 else { return false }
            setting.cuts -= 1
            return true
        }
        if isCut { throw TransportError(.cut, "the line was cut") }
    }

    func poll(_ request: PollRequest) async throws(TransportError) -> PollAnswer {
        try cut()
        setting.withLock { $0.told.polls.append(request) }
        let end = ContinuousClock().now + .seconds(min(request.wait, 5))
        while true {
            if Task.isCancelled { throw .cancelled }
            let answer = setting.withLock { setting in
                PollAnswer(
                    token: String(setting.token), now: Timestamp(Date()), head: setting.head,
                    knowsHead: setting.knowsHead, studies: setting.studies, assignments: setting.assignments,
                    verdicts: setting.verdicts, releases: setting.releases)
            }
            if answer.token != request.known || ContinuousClock().now >= end { return answer }
            do { try await Task.sleep(for: .milliseconds(5)) } catch { throw .cancelled }
        }
    }

    private func body<Body: Message>(_ signed: Signed<Body>) throws(TransportError) -> Body {
        do { return try signed.verified(by: siteKey.publicKey) } catch {
            throw TransportError(.violation, "a message is not signed by the site")
        }
    }

    func consent(_ consent: Signed<Consent>, study: String) async throws(TransportError) {
        try cut()
        let said = try body(consent)
        setting.withLock { setting in
            setting.told.consents.append(said)
            for index in setting.studies.indices where setting.studies[index].name == study {
                setting.studies[index].standing = said.agrees ? .consented : .refused
            }
            setting.token += 1
        }
    }

    func refuse(_ refusal: Signed<Federation.Refusal>) async throws(TransportError) {
        try cut()
        let said = try body(refusal)
        done(said.round) { $0.refusals.append(said) }
    }

    func report(_ report: Signed<EvaluationReport>) async throws(TransportError) {
        try cut()
        let said = try body(report)
        done(said.round) { $0.reports.append(said) }
    }

    func renew(_ request: RenewalRequest) async throws(TransportError) -> RenewalAnswer {
        throw TransportError(.unreachable, "there is nothing to renew here")
    }

    func fetch(
        _ object: ObjectReference, to file: String, progress: @escaping @Sendable (Int) -> Void,
        trouble: @escaping @Sendable (TransportError) -> Void
    ) async throws(TransportError) {
        try cut()
        guard let bytes = setting.withLock({ $0.objects[object.digest] }),
            FileManager.default.createFile(atPath: file, contents: Data(bytes))
        else { throw TransportError(.wrongDigest, "there is no such object") }
    }

    func upload(
        _ file: String, header: Signed<UpdateHeader>, progress: @escaping @Sendable (Int) -> Void,
        trouble: @escaping @Sendable (TransportError) -> Void
    ) async throws(TransportError) -> UploadStatus {
        try cut()
        let said = try body(header)
        setting.withLock { $0.told.uploads += 1 }
        if let refusal = setting.withLock({ $0.refusal }) { throw refusal }
        guard SHA256.hex(ofFile: file) == said.update.digest else {
            throw TransportError(.wrongDigest, "the file is not what was signed")
        }
        let receipt = Receipt(
            federation: Self.federation, site: Self.site, round: said.round, update: said.update, norm: 1,
            received: Timestamp(Date()))
        done(said.round) { $0.updates.append(said) }
        do {
            return UploadStatus(
                id: "1", offset: said.update.bytes, bytes: said.update.bytes, receipt: try Signed(receipt, by: key))
        } catch { throw TransportError(.violation, "\(error)") }
    }

    func limit(up: Int, down: Int) {}

    private func done(_ round: RoundReference, _ note: (inout Told) -> Void) {
        setting.withLock { setting in
            note(&setting.told)
            setting.assignments.removeAll { ((try? $0.verified(by: key.publicKey))?.round) == round }
            setting.token += 1
        }
    }
}
