package import Hummingbird
import Foundation
import NIOCore

/// An answer of 400 or above: its body is `{"code":…,"message":…,"offset":…}`, as all listeners write it.
package struct Refusal: Error, Encodable, Sendable, Equatable, CustomStringConvertible {
    /// The HTTP status.
    package var status: Int
    /// What a program may act on, such as `too-large`.
    package var code: String
    /// One sentence: what, where, what to do.
    package var message: String
    /// Where an upload must go on.
    package var offset: Int?

    private enum CodingKeys: String, CodingKey { case code, message, offset }

    package init(_ status: Int, _ code: String, _ message: String, offset: Int? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.offset = offset
    }

    package var description: String { message }

    static func tooLarge(_ limit: Int) -> Refusal {
        Refusal(413, "too-large", "the body is longer than the \(limit) bytes allowed here")
    }

    static let cutBody = Refusal(400, "malformed", "the body broke off before its end")

    /// The body, as JSON.
    var bytes: ByteBuffer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Three fields of text and number: there is nothing in them that could fail to encode.
        return ByteBuffer(bytes: (try? encoder.encode(self)) ?? Data("{\"code\":\"internal\",\"message\":\"\"}".utf8))
    }

    /// The whole answer.
    package var response: Response {
        Response(
            status: .init(code: status), headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: bytes))
    }
}

extension Refusal: ResponseGenerator {
    package func response(from request: Request, context: some RequestContext) throws -> Response { response }
}
