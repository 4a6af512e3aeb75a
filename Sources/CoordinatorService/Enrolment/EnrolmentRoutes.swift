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
            let asked = try await request.json(EnrolmentRequest.self, limit: 16 << 10)
            do {
                let answer = try await desk.answer(asked, exporter: context.connection.exporter)
                return Response(
                    status: .ok, headers: [.contentType: "application/json"],
                    body: ResponseBody(byteBuffer: ByteBuffer(bytes: try JSONEncoder().encode(answer))))
            } catch let problem as Problem {
                logger.warning(
                    "An enrolment was refused",
                    metadata: ["reason": "\(problem.code.rawValue)", "from": "\(context.connection.address ?? "")"])
                throw problem.refusal
            }
        }
        return router
    }
}
