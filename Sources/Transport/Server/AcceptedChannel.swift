import Hummingbird
import HummingbirdCore
import NIOCore
import NIOHTTPTypes
import Synchronization

/// A connection that was set up and waits to be served.
///
/// A server that stops drops those it has accepted and not begun to serve, and an asynchronous channel that is dropped
/// without having been ended stops the program. So what was never served is ended here.
final class AcceptedChannel: Sendable {
    private let waiting: Mutex<NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>?>
    let channel: any Channel

    init(_ http: NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>) {
        channel = http.channel
        waiting = Mutex(http)
    }

    /// Hands over the connection to whoever serves it; nil the second time.
    func take() -> NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>? {
        waiting.withLock { $0.take() }
    }

    deinit {
        guard let http = take() else { return }
        Task { try? await http.executeThenClose { _, _ in } }
    }
}
