package import Hummingbird
import NIOCore

/// The request context of all our listeners: Hummingbird's, and the connection that carries the request.
package struct ServiceContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// Who is at the other end. It is the connection's, so whether the peer still may is asked on every request.
    package let connection: ConnectionFacts

    package init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        connection = LiveConnection.current?.facts ?? ConnectionFacts()
    }
}

/// The connection that the current task serves.
struct LiveConnection: Sendable {
    @TaskLocal static var current: LiveConnection?

    let facts: ConnectionFacts
    let channel: any Channel
    let exchange: NIOLoopBound<ExchangeHandler>

    /// Asks a peer that waits for it (`Expect: 100-continue`) to send the body.
    func inviteBody() {
        channel.eventLoop.execute { exchange.value.inviteBody() }
    }

    /// Waits until the event loop has taken everything written so far; then the channel's writability speaks of it.
    func settle() async throws {
        try await channel.eventLoop.submit {}.get()
    }
}
