import Federation
import Foundation
import Hummingbird
import Logging
import NIOCore
import Transport

/// The enrolment listener's one route.
struct EnrolmentRoutes {
    let desk: EnrolmentDesk
    let logger: Logger

    func router() -> Router<ServiceContext> {
        let router = Router(context: ServiceContext.self)
        router.post("/v1/enrolment") { request, context in
            do {
                let asked = try await request.json(EnrolmentRequest.self, limit: 16 << 10)
                let answer = try await desk.answer(asked, exporter: context.connection.exporter)
                return try Self.response(answer, .ok)
            } catch let problem as Problem {
                logger.warning(
                    "An enrolment was refused",
                    metadata: ["reason": "\(problem.code.rawValue)", "from": "\(context.connection.address ?? "")"])
                return try Self.response(problem, problem.code == .malformed ? .badRequest : .forbidden)
            }
        }
        return router
    }

    private static func response(_ value: some Encodable, _ status: HTTPResponse.Status) throws -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: try JSONEncoder().encode(value))))
    }
}
