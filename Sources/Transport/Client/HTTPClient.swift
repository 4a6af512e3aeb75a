/// A client of one server, over libcurl: connections are kept and reused, several requests may run at once.
///
/// A transfer lives as long as it moves; there is no limit on how long it takes. Cancelling the task ends it at once.
package final class HTTPClient: Sendable {
    package let settings: ClientSettings

    package init(_ settings: ClientSettings) {
        self.settings = settings
    }

    /// Sends a request and returns the answer, if it is below 400.
    /// - Parameters:
    ///   - path: with query, from the slash.
    ///   - limit: bytes the answer's body may have.
    ///   - wait: how long the server may rightly stay silent (a long poll), added to the settings' patience.
    package func send(
        _ method: String, _ path: String, body: RequestBody = .none, headers: [String: String] = [:],
        limit: Int = 1 << 20, wait: Duration = .zero
    ) async throws(TransportError) -> HTTPAnswer {
        fatalError("not yet")
    }

    /// New limits, at once for running transfers too.
    /// - Parameters: bytes per second; 0: no limit.
    package func limit(send: Int, receive: Int) { fatalError("not yet") }
}
