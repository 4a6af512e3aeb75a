import CCurl
package import Foundation
import Synchronization

/// A client of one server, over libcurl: connections are kept and reused, several requests may run at once.
///
/// A transfer lives as long as it moves; there is no limit on how long it takes. Cancelling the task ends it at once.
///
/// ```swift
/// let client = HTTPClient(ClientSettings(address: "federation.example:8443", trust: .root(pem: root)))
/// let answer = try await client.send("POST", "/v1/poll", body: .bytes(request), limit: 64 << 10, wait: .seconds(60))
/// ```
package final class HTTPClient: Sendable {
    package let settings: ClientSettings
    private let loop: CurlLoop
    private let identity: IdentityFiles?

    package init(_ settings: ClientSettings) {
        self.settings = settings
        loop = CurlLoop(ClientRates(send: settings.sendLimit, receive: settings.receiveLimit))
        identity = settings.identity.map { IdentityFiles($0) }
    }

    deinit { loop.close() }

    /// Sends a request and returns the answer, if it is below 400.
    /// - Parameters:
    ///   - path: with query, from the slash.
    ///   - limit: bytes the answer's body may have.
    ///   - wait: how long the server may rightly stay silent (a long poll); 15 s are added.
    package func send(
        _ method: String, _ path: String, body: RequestBody = .none, headers: [String: String] = [:],
        limit: Int = 1 << 20, wait: Duration = .zero
    ) async throws(TransportError) -> HTTPAnswer {
        var order = try order(method, path, body: body, headers: headers)
        order.limit = limit
        if wait > .zero { order.patience = max(order.patience, wait + .seconds(15)) }
        return try await perform(order)
    }

    /// New limits, at once for running transfers too.
    /// - Parameters:
    ///   - send: bytes per second; 0: no limit.
    ///   - receive: bytes per second; 0: no limit.
    package func limit(send: Int, receive: Int) {
        loop.set(ClientRates(send: send, receive: receive))
    }

    /// The server's clock, asked without regard to the validity of certificates in time; all else is checked. Nothing
    /// but this may be concluded from the answer.
    package func serverTime() async -> Date? {
        guard var order = try? order("HEAD", "/v1/probe", body: .none, headers: [:]) else { return nil }
        order.ignoresTime = true
        order.patience = min(order.patience, .seconds(15))
        guard let transfer = try? CurlTransfer(order, sink: nil, sent: nil) else { return nil }
        await loop.perform(transfer)
        return HTTPAnswer.time(transfer.headers["date"])
    }

    /// - Parameters:
    ///   - sink: takes the body of an answer below 400; otherwise it is in the answer.
    ///   - sent: told how many bytes of the body have left, from the client's thread.
    func perform(
        _ order: RequestOrder, sink: (any AnswerSink)? = nil, sent: (@Sendable (Int) -> Void)? = nil
    ) async throws(TransportError) -> HTTPAnswer {
        let transfer = try CurlTransfer(order, sink: sink, sent: sent)
        // The loop ends with this object, so that it must outlive the transfer.
        defer { withExtendedLifetime(self) {} }
        await loop.perform(transfer)
        if transfer.isCancelled.load(ordering: .relaxed) { throw .cancelled }
        if let failure = transfer.failure { throw failure }
        // A server may refuse a body before it has come whole; its reason counts more than the broken line.
        let isRefused = transfer.status >= 400 && transfer.outcome.findings == nil
        if transfer.outcome.code != CURLE_OK, !isRefused { throw await explain(transfer, order) }
        guard transfer.status < 400 else {
            throw TransportError(
                status: transfer.status, headers: transfer.headers, body: transfer.body, place: place)
        }
        return HTTPAnswer(status: transfer.status, headers: transfer.headers, body: transfer.body)
    }

    func order(
        _ method: String, _ path: String, body: RequestBody, headers: [String: String]
    ) throws(TransportError) -> RequestOrder {
        guard path.hasPrefix("/"), path.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
            throw TransportError(.settings, "\(PlainText.line(path.utf8, limit: 80)) is not a path of a URL")
        }
        var headers = headers
        if case .bytes = body { headers["Content-Type"] = headers["Content-Type"] ?? "application/json" }
        if case .bound = body { headers["Content-Type"] = headers["Content-Type"] ?? "application/json" }
        if case .file = body { headers["Content-Type"] = headers["Content-Type"] ?? "application/octet-stream" }
        var order = RequestOrder(
            method: method, url: "http://localhost" + path, host: "localhost", headers: headers, body: body,
            limit: 1 << 20, patience: settings.patience, connectPatience: settings.connectPatience,
            unixSocket: settings.unixSocket, now: settings.clock())
        // A body of no bytes keeps servers from waiting for one.
        if case .none = body, method != "GET", method != "HEAD" { order.body = .bytes([]) }
        guard settings.unixSocket == nil else { return order }
        guard let address = HostAddress(settings.address) else {
            throw TransportError(.settings, "\"\(settings.address)\" is not an address; give host:port")
        }
        guard let trust = settings.trust else {
            throw TransportError(.settings, "no root certificate is given to know \(settings.address) by")
        }
        order.url = "https://\(settings.address)\(path)"
        order.host = address.host
        order.trust = trust
        order.identity = try identity?.read()
        order.proxy = settings.proxy.proxy(for: address.host, environment: ProcessInfo.processInfo.environment)
        if let proxy = order.proxy, proxy.lowercased().hasPrefix("https://") {
            throw TransportError(
                .settings,
                "the proxy \(ProxyChoice.shown(proxy)) is given as https://, which is not supported; use http://")
        }
        return order
    }

    private var place: String { settings.unixSocket ?? settings.address }

    private func explain(_ transfer: CurlTransfer, _ order: RequestOrder) async -> TransportError {
        var diagnosis = Diagnosis(
            place: place, proxy: order.proxy.map { ProxyChoice.shown($0) }, ownEnd: order.identity?.notAfter,
            now: order.now)
        if transfer.outcome.findings?.isOutOfTime ?? false, let time = await serverTime() {
            diagnosis.clockLead = settings.clock().timeIntervalSince(time)
        }
        return diagnosis.error(transfer.outcome)
    }
}

/// `host:port` or `[IPv6]:port`, taken apart.
package struct HostAddress: Sendable, Equatable {
    /// Without brackets.
    package var host: String
    /// 1…65535
    package var port: Int

    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (1...65535).contains(port)
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.contains(":") else { return nil }
        } else if host.contains(":") {
            return nil
        }
        let characters = host.utf8.allSatisfy {
            (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
                || [45, 46, 58, 95].contains($0)
        }
        guard !host.isEmpty, characters else { return nil }
        self.host = String(host)
        self.port = port
    }
}
