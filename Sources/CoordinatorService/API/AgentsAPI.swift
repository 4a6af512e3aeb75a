package import Federation
package import Hummingbird
import HTTPTypes
import NIOCore
package import Transport

/// The agents' listener: what sites ask of the coordinator. docs/protocol.md says it for the other side.
package struct AgentsAPI: Sendable {
    /// Certifies a fresh key in the name of a site.
    /// - Returns: the certificate chain, PEM, and the SHA-256 of the new key's SPKI.
    package typealias Renewal =
        @Sendable (_ request: RenewalRequest, _ site: String) async throws(Problem) -> RenewalAnswer

    let coordinator: Coordinator
    let renew: Renewal

    /// - Parameter renew: issues the certificate and lets the new key in, before it answers.
    package init(_ coordinator: Coordinator, renew: @escaping Renewal) {
        self.coordinator = coordinator
        self.renew = renew
    }

    /// All routes. Each request is looked up by its peer's public key in the state as it is then.
    package func router() -> Router<ServiceContext> {
        let router = Router(context: ServiceContext.self)
        router.add(middleware: Authorisation { facts, _ in _ = try await site(of: facts) })
        for route in AgentRoute.allCases {
            router.on(RouterPath(route.path), method: route.method) { request, context in
                let site = try await site(of: context.connection)
                coordinator.attendance.note(site, at: coordinator.means.now())
                do {
                    if route.bodyLimit == 0, route != .upload { try await request.eachChunk(limit: 0) { _ in } }
                    return try await answer(route, request, context, site)
                } catch let problem as Problem {
                    throw problem.refusal
                }
            }
        }
        return router
    }

    /// The site at the other end, if it is let in.
    private func site(of facts: ConnectionFacts) async throws(Transport.Refusal) -> String {
        // A connection may outlive the certificate it began with.
        if let peer = facts.peer, peer.notAfter > coordinator.means.now().date {
            if let site = coordinator.site(publicKey: peer.publicKey) { return site }
            if let site = await coordinator.letBackIn(peer) { return site }
        }
        throw Problem(
            .forbidden, "This key is not let in; enrol the site again, or ask the coordinator's operator."
        ).refusal
    }

    private func answer(
        _ route: AgentRoute, _ request: Request, _ context: ServiceContext, _ site: String
    ) async throws -> Response {
        switch route {
        case .poll:
            return try json(try await coordinator.poll(try await request.json(limit: route.bodyLimit), from: site))
        case .object: return try await object(request, context, site)
        case .consent:
            let signed = try await request.json(Signed<Consent>.self, limit: route.bodyLimit)
            try check(signed.text, as: .consent)
            let study = try context.parameters.require("study")
            guard try signed.body().study == study else {
                throw Problem(.wrongStudy, "The consent is to another study than the path names.")
            }
            try await coordinator.perform(.consent(signed, from: site), by: site)
            return Response(status: .noContent)
        case .openUpload:
            return try json(
                try await coordinator.openUpload(try await request.json(limit: route.bodyLimit), from: site))
        case .uploadStatus:
            return try json(try await coordinator.uploadStatus(try context.parameters.require("id"), of: site))
        case .upload: return try await upload(request, context, site)
        case .refusal:
            let signed = try await request.json(Signed<Federation.Refusal>.self, limit: route.bodyLimit)
            try check(signed.text, as: .refusal)
            try await coordinator.perform(.decline(signed, from: site), by: site)
            return Response(status: .noContent)
        case .report:
            let signed = try await request.json(Signed<EvaluationReport>.self, limit: route.bodyLimit)
            try check(signed.text, as: .report)
            try await coordinator.takeReport(signed, from: site)
            return Response(status: .noContent)
        case .renewal:
            return try json(try await renew(try await request.json(limit: route.bodyLimit), site))
        case .sendProbe:
            try await request.eachChunk(limit: route.bodyLimit) { _ in }
            return Response(status: .noContent)
        case .fetchProbe: return try probe(request)
        }
    }
}
