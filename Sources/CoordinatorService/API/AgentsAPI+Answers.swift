import Federation
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Transport

extension AgentsAPI {
    func json(_ value: some Encodable) throws -> Response {
        Response(
            status: .ok, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: try MessageCoding.encode(value))))
    }

    /// Checks a message as the site's own agent had to before it sent it.
    func check(_ text: String, as kind: EgressKind) throws(Problem) {
        do throws(EgressViolation) { try EgressSchema.check(text, as: kind) } catch {
            throw Problem(.malformed, error.description)
        }
    }

    /// A model, whole or from a byte on. What a site may not see is, to it, not there.
    func object(_ request: Request, _ context: ServiceContext, _ site: String) async throws -> Response {
        let digest = try context.parameters.require("digest")
        guard Name.isDigest(digest), coordinator.state.mayRead(site: site, digest: digest),
            let bytes = coordinator.store.objects.size(of: digest)
        else { throw Problem(.notFound, "There is no such object for \(site); ask for work again.") }
        var headers: HTTPFields = [
            .contentType: "application/octet-stream", .eTag: "\"\(digest)\"", .acceptRanges: "bytes",
        ]
        let start = try Self.start(request.headers[.range], of: bytes)
        if let start { headers[.contentRange] = "bytes \(start)-\(bytes - 1)/\(bytes)" }
        return Response(
            status: start == nil ? .ok : .partialContent, headers: headers,
            body: pacedBody(
                file: coordinator.store.objects.path(of: digest), range: (start ?? 0)..<bytes, context: context))
    }

    /// Where a range `bytes=N-` begins; nil when there is none.
    static func start(_ range: String?, of bytes: Int) throws -> Int? {
        guard let range else { return nil }
        guard range.hasPrefix("bytes="), range.hasSuffix("-"), let start = Int(range.dropFirst(6).dropLast()),
            start >= 0
        else { throw Problem(.malformed, "The range is not bytes=N-; ask for one range, to the end.") }
        guard start < bytes else {
            throw Transport.Refusal(
                416, Problem.Code.malformed.rawValue,
                "The object has \(bytes) bytes; there is nothing from byte \(start) on.")
        }
        return start
    }

    func upload(_ request: Request, _ context: ServiceContext, _ site: String) async throws -> Response {
        guard let offset = request.uri.queryParameters.get("offset", as: Int.self), offset >= 0 else {
            throw Problem(.malformed, "The upload says not where its bytes begin; give ?offset=N.")
        }
        guard let length = request.headers[.contentLength].flatMap({ Int($0) }), length >= 0 else {
            throw Problem(.malformed, "The upload's length is not announced; send Content-Length.")
        }
        let status = try await coordinator.receive(
            at: offset, length: length, of: try context.parameters.require("id"), from: site
        ) { limit, take in
            do {
                try await request.eachChunk(limit: limit, take)
            } catch let refusal as Transport.Refusal where refusal.status == 413 {
                throw Problem(.tooLarge, "The body is longer than the \(limit) bytes that are missing.")
            }
        }
        return try json(status)
    }

    func probe(_ request: Request) throws -> Response {
        guard let bytes = request.uri.queryParameters.get("bytes", as: Int.self),
            (0...AgentRoute.probeLimit).contains(bytes)
        else { throw Problem(.malformed, "The test's size is not given; ask for ?bytes=N, at most 16 MiB.") }
        return Response(
            status: .ok, headers: [.contentType: "application/octet-stream"],
            body: pacedZeros(count: bytes))
    }
}
