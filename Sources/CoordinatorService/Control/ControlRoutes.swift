import Federation
import Foundation
import Glibc
import Hummingbird
import Logging
import NIOCore
import Transport

/// The control socket's routes: one `POST` a command.
struct ControlRoutes {
    /// Bytes of a command: a plan of 1 MiB, as JSON.
    private static let limit = 4 << 20

    let desk: OperatorDesk
    let logger: Logger

    func router() -> Router<ServiceContext> {
        let router = Router(context: ServiceContext.self)
        add(ServiceStatus.self, to: router)
        add(AddSite.self, to: router)
        add(ApproveSite.self, to: router)
        add(RevokeSite.self, to: router)
        add(ListSites.self, to: router)
        add(CreateStudy.self, to: router)
        add(AmendStudy.self, to: router)
        add(SteerStudy.self, to: router)
        add(ListStudies.self, to: router)
        add(OpenLockedTest.self, to: router)
        add(CreateRelease.self, to: router)
        add(ListReleases.self, to: router)
        add(WriteReport.self, to: router)
        add(JudgeRelease.self, to: router)
        add(ExportModel.self, to: router)
        add(VerifyTranscript.self, to: router)
        add(ReplayRound.self, to: router)
        add(BackUp.self, to: router)
        return router
    }

    private func add<Command: OperatorCommand>(_ type: Command.Type, to router: Router<ServiceContext>) {
        router.post("/v1/\(Command.name)") { request, context in
            try await answer(type, request, context)
        }
    }

    /// Carries a command out for whoever may: the user who serves, as the system says who is at the other end.
    private func answer<Command: OperatorCommand>(
        _ type: Command.Type, _ request: Request, _ context: ServiceContext
    ) async throws(Transport.Refusal) -> Response {
        guard context.connection.user == geteuid() else {
            logger.warning("A command of another user was refused", metadata: ["command": "\(Command.name)"])
            throw Transport.Refusal(403, "forbidden", "only the user who runs the coordinator may command it")
        }
        let command = try await request.json(type, limit: Self.limit)
        do {
            let body = try JSONEncoder().encode(try await command.carryOut(at: desk))
            logger.debug("Carried out", metadata: ["command": "\(Command.name)"])
            return Response(
                status: .ok, headers: [.contentType: "application/json"],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
        } catch let problem as Problem {
            throw problem.refusal
        } catch {
            throw Transport.Refusal(409, "refused", "\(error)")
        }
    }
}
