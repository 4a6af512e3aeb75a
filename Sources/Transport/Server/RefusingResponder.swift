package import Hummingbird
import Logging

/// Turns whatever a route throws into an answer with a body that programs understand.
struct RefusingResponder<Base: HTTPResponder>: Sendable where Base.Context == ServiceContext {
    private let base: Base
    private let logger: Logger

    init(_ base: Base, logger: Logger) {
        self.base = base
        self.logger = logger
    }

    private static func refusal(_ status: HTTPResponse.Status, _ request: Request) -> Refusal {
        switch status.code {
        case 404: Refusal(404, "not-found", "there is no \(request.method) \(request.uri.path) here")
        case 413: Refusal(413, "too-large", "the body is too long")
        case 400..<500: Refusal(status.code, "malformed", "the request is refused: \(status.reasonPhrase)")
        default: Refusal(status.code, "internal", "the service failed: \(status.reasonPhrase)")
        }
    }

    func respond(to request: Request, context: ServiceContext) async -> Response {
        do {
            let response = try await base.respond(to: request, context: context)
            // The router answers some errors itself, without a body.
            guard response.status.code >= 400, response.body.contentLength == 0 else { return response }
            return Self.refusal(response.status, request).response
        } catch let refusal as Refusal {
            return refusal.response
        } catch let error as any HTTPResponseError {
            return Self.refusal(error.status, request).response
        } catch is CancellationError {
            return Refusal(503, "busy", "the service is stopping; try again").response
        } catch {
            // What went wrong inside is for the operator's log, not for whoever asked.
            logger.error("\(request.method) \(request.uri.path) failed: \(error)")
            return Refusal(500, "internal", "the service failed; its operator finds the reason in its log").response
        }
    }
}

/// Asks, before each request is routed, whether its peer may.
///
/// ```swift
/// router.add(middleware: Authorisation { facts, request in
///     guard allowList.isActive(facts.peer?.publicKey) else { throw Refusal(403, "forbidden", "…") }
/// })
/// ```
package struct Authorisation: RouterMiddleware {
    package typealias Context = ServiceContext

    private let check: @Sendable (ConnectionFacts, Request) async throws -> Void

    /// - Parameter check: Throws a `Refusal` to refuse.
    package init(_ check: @escaping @Sendable (ConnectionFacts, Request) async throws -> Void) { self.check = check }

    @concurrent package func handle(
        _ request: Request, context: ServiceContext,
        next: @concurrent (Request, ServiceContext) async throws -> Response
    ) async throws -> Response {
        try await check(context.connection, request)
        return try await next(request, context)
    }
}
