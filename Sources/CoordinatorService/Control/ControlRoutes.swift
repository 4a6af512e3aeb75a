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
        add(JudgeRelease.self, to: router)
        add(ExportModel.self, to: router)
        add(VerifyTranscript.self, to: router)
        add(ReplayRound.self, to: router)
        add(BackUp.self, to: router)
        return router
    }

    private func add<Command: OperatorCommand>(_ type: Command.Type, to router: Router<ServiceContext>) {
        router.post("/v1/\(Command.name)") { request, context in
            await answer(type, request, context)
        }
    }

    /// Carries a command out for whoever may: the socket's owner, which the system says who it is.
    private func answer<Command: OperatorCommand>(
        _ type: Command.Type, _ request: Request, _ context: ServiceContext
    ) async -> Response {
        guard context.connection.user == geteuid() else {
            logger.warning("A command of another user was refused", metadata: ["command": "\(Command.name)"])
            let problem = Problem(.forbidden, "only the user who runs the coordinator may command it")
            return Self.response(problem, status: .forbidden)
        }
        do {
            let command = try await request.json(type, limit: Self.limit)
            let answer = try await command.carryOut(at: desk)
            return Self.response(answer, status: .ok)
        } catch let problem as Problem {
            return Self.response(problem, status: .conflict)
        } catch {
            return Self.response(Problem(.malformed, "\(error)"), status: .conflict)
        }
    }

    private static func response(_ value: some Encodable, status: HTTPResponse.Status) -> Response {
        do {
            let body = try JSONEncoder().encode(value)
            return Response(
                status: status, headers: [.contentType: "application/json"],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
        } catch {
            return Response(status: .internalServerError)
        }
    }
}
