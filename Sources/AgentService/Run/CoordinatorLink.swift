package import Federation
package import Transport

/// What an agent asks of its coordinator. Errors that pass by themselves are for the caller to wait out, except in
/// transfers, which do it themselves.
package protocol CoordinatorLink: Sendable {
    func poll(_ request: PollRequest) async throws(TransportError) -> PollAnswer
    func consent(_ consent: Signed<Consent>, study: String) async throws(TransportError)
    func refuse(_ refusal: Signed<Federation.Refusal>) async throws(TransportError)
    func report(_ report: Signed<EvaluationReport>) async throws(TransportError)
    func renew(_ request: RenewalRequest) async throws(TransportError) -> RenewalAnswer
    /// Until the object lies there, verified.
    func fetch(
        _ object: ObjectReference, to file: String, progress: @escaping @Sendable (Int) -> Void,
        trouble: @escaping @Sendable (TransportError) -> Void) async throws(TransportError)
    /// Until the coordinator has it, verified.
    func upload(
        _ file: String, header: Signed<UpdateHeader>, progress: @escaping @Sendable (Int) -> Void,
        trouble: @escaping @Sendable (TransportError) -> Void
    ) async throws(TransportError) -> UploadStatus
    /// New limits in bytes a second, 0 for none.
    func limit(up: Int, down: Int)
}

/// The real thing: two clients, so that a poll never waits behind a transfer and its rate limit.
package struct HTTPLink: CoordinatorLink {
    private static let json = ["Content-Type": "application/json"]
    private let questions: HTTPClient
    private let transfers: HTTPClient

    package init(_ settings: ClientSettings) {
        questions = HTTPClient(settings)
        transfers = HTTPClient(settings)
    }

    private func bytes(_ message: some Encodable) throws(TransportError) -> [UInt8] {
        do { return Array(try MessageCoding.encode(message).utf8) } catch {
            throw TransportError(.violation, "a message holds a number that is not finite and cannot be written")
        }
    }

    private func post(
        _ message: some Encodable, _ path: String, limit: Int = 1 << 16, wait: Duration = .zero
    ) async throws(TransportError) -> HTTPAnswer {
        try await questions.send(
            "POST", path, body: .bytes(try bytes(message)), headers: Self.json, limit: limit, wait: wait)
    }

    package func poll(_ request: PollRequest) async throws(TransportError) -> PollAnswer {
        try await post(request, "/v1/poll", limit: 16 << 20, wait: .seconds(request.wait)).decoded()
    }

    package func consent(_ consent: Signed<Consent>, study: String) async throws(TransportError) {
        _ = try await post(consent, "/v1/studies/\(study)/consent")
    }

    package func refuse(_ refusal: Signed<Federation.Refusal>) async throws(TransportError) {
        _ = try await post(refusal, "/v1/refusals")
    }

    package func report(_ report: Signed<EvaluationReport>) async throws(TransportError) {
        _ = try await post(report, "/v1/reports")
    }

    package func renew(_ request: RenewalRequest) async throws(TransportError) -> RenewalAnswer {
        try await post(request, "/v1/renewal").decoded()
    }

    package func fetch(
        _ object: ObjectReference, to file: String, progress: @escaping @Sendable (Int) -> Void,
        trouble: @escaping @Sendable (TransportError) -> Void
    ) async throws(TransportError) {
        try await Transfers.download(
            "/v1/objects/\(object.digest)", to: file, digest: object.digest, bytes: object.bytes, over: transfers,
            backoff: Backoff(most: AgentRun.longestWait), progress: progress, report: { error, _ in trouble(error) })
    }

    package func upload(
        _ file: String, header: Signed<UpdateHeader>, progress: @escaping @Sendable (Int) -> Void,
        trouble: @escaping @Sendable (TransportError) -> Void
    ) async throws(TransportError) -> UploadStatus {
        let status = try await Transfers.upload(
            file, bytes: try size(of: header), request: try bytes(UploadRequest(header: header)), over: transfers,
            backoff: Backoff(most: AgentRun.longestWait), progress: progress, report: { error, _ in trouble(error) })
        return try HTTPAnswer(status: 200, headers: [:], body: status).decoded()
    }

    private func size(of header: Signed<UpdateHeader>) throws(TransportError) -> Int {
        do { return try MessageCoding.decode(UpdateHeader.self, from: header.text).update.bytes } catch {
            throw TransportError(.violation, "the update's header cannot be read again; remove the task's folder")
        }
    }

    package func limit(up: Int, down: Int) { transfers.limit(send: up, receive: down) }
}
