import Foundation
import Identity
import Testing
import TLSClient
import Transport

@Suite("What a request may be", .serialized)
struct ServerRequestTests {
    /// Sends raw bytes and reads one answer, then reads to the end.
    static func exchange(
        _ text: String, limits: ServerLimits = ServerLimits()
    ) async throws -> (status: Int, head: String, body: String, closed: Bool) {
        let federation = try ServerFederation()
        let site = try federation.site()
        var result = (0, "", "", false)
        try await withServer(federation, limits: limits) { port, _ in
            result = try await blocking {
                let client = try TLSClient(port: port, .init(identity: site))
                try client.write(text)
                let answer = try client.readAnswer()
                let isLast = answer.head.lowercased().contains("connection: close")
                let closed = try isLast && client.read() == nil
                return (answer.status, answer.head, answer.body, closed)
            }
        }
        return result
    }

    static func post(_ body: String, length: Int? = nil) -> String {
        "POST /value HTTP/1.1\r\nHost: x\r\nContent-Length: \(length ?? body.utf8.count)\r\n\r\n\(body)"
    }

    @Test("JSON is read, and its errors are named")
    func json() async throws {
        #expect(try await Self.exchange(Self.post(#"{"name":"a"}"#)).body == "a")
        for (body, part) in [("{}", #"\"name\" is missing"#), (#"{"name":1}"#, "wrong type"), ("{", "malformed")] {
            let answer = try await Self.exchange(Self.post(body))
            #expect(answer.status == 400)
            #expect(answer.body.contains(#""code":"malformed""#))
            #expect(answer.body.contains(part), "\(answer.body)")
        }
    }

    @Test("JSON nested 32 deep is parsed and 33 deep is refused before it is")
    func depth() async throws {
        func nested(_ depth: Int) -> String {
            let inner = String(repeating: "[", count: depth - 1) + String(repeating: "]", count: depth - 1)
            return #"{"name":"\"[[[","other":"# + inner + "}"
        }
        #expect(try await Self.exchange(Self.post(nested(32))).status == 200)
        let answer = try await Self.exchange(Self.post(nested(33)))
        #expect(answer.status == 400)
        #expect(answer.body.contains("deeper than 32"))
    }

    @Test("a body declared too long is refused before it is sent, and the connection ends")
    func declaredTooLong() async throws {
        let answer = try await Self.exchange(Self.post("", length: 1025))
        #expect(answer.status == 413)
        #expect(answer.body.contains(#""code":"too-large""#))
        #expect(answer.closed)
    }

    @Test("a body of undeclared length is cut one byte over the limit")
    func undeclared() async throws {
        func chunked(_ count: Int) -> String {
            let body = #"{"name":"a"}"# + String(repeating: " ", count: count - 12)
            return "POST /value HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                + String(count, radix: 16) + "\r\n\(body)\r\n0\r\n\r\n"
        }
        #expect(try await Self.exchange(chunked(1024)).status == 200)
        #expect(try await Self.exchange(chunked(1025)).status == 413)
    }

    @Test("a peer that asks before sending is told to go on, or refused without sending")
    func expectContinue() async throws {
        let federation = try ServerFederation()
        let site = try federation.site()
        try await withServer(federation) { port, _ in
            let statuses = try await blocking {
                let client = try TLSClient(port: port, .init(identity: site))
                try client.write(
                    "POST /value HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\nExpect: 100-continue\r\n\r\n")
                let first = try client.readHead().status
                try client.write(#"{"name":"a"}"#)
                let second = try client.readAnswer()
                try client.write(
                    "POST /value HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\nExpect: 100-continue\r\n\r\n")
                return [first, second.status, try client.readAnswer().status]
            }
            #expect(statuses == [100, 200, 413])
        }
    }

    @Test("a head of 16 KiB is too long, one just below is not")
    func head() async throws {
        func request(_ count: Int) -> String {
            "GET /whoami HTTP/1.1\r\nHost: x\r\nX-Long: \(String(repeating: "a", count: count))\r\n\r\n"
        }
        #expect(try await Self.exchange(request(16_000)).status == 200)
        let answer = try await Self.exchange(request(16 << 10))
        #expect(answer.status == 431)
        #expect(answer.body.contains(#""code":"too-large""#))
        #expect(answer.closed)
        let many = (0..<200).map { "X-\($0): a\r\n" }.joined()
        #expect(try await Self.exchange("GET /whoami HTTP/1.1\r\nHost: x\r\n\(many)\r\n").status == 431)
    }

    @Test(
        "requests two programs could read differently are refused",
        arguments: [
            "POST /value HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST /value HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 12\r\n\r\n0\r\n\r\n",
            "POST /value HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\nContent-Length: 13\r\n\r\n{\"name\":\"a\"}",
            "POST /value HTTP/1.1\r\nHost: x\r\nContent-Length: +12\r\n\r\n{\"name\":\"a\"}",
            "POST /value HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n{\"name\":\"a\"}",
            "GET /whoami HTTP/1.1\r\nHost: x\r\nX-Folded: a\r\n b\r\n\r\n",
            "GET /whoami HTTP/1.1\r\nHost: x\r\nX-Space : a\r\n\r\n",
            "GET /whoami HTTP/1.1\r\nHost: x\r\nX-Null: a\u{0}b\r\n\r\n",
            "GET  /whoami\r\n\r\n",
            "\u{1}\u{2}\u{3}\r\n\r\n",
        ])
    func smuggling(_ text: String) async throws {
        let answer = try await Self.exchange(text)
        #expect(answer.status == 400)
        #expect(answer.body.contains(#""code":"malformed""#), "\(answer)")
        #expect(answer.closed)
    }

    @Test("every refusal has a code and a sentence, and what failed inside stays inside")
    func refusals() async throws {
        let missing = try await Self.exchange("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(missing.status == 404)
        #expect(missing.body == #"{"code":"not-found","message":"there is no GET /nowhere here"}"#)
        let conflict = try await Self.exchange("GET /conflict HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(conflict.status == 409)
        #expect(conflict.body == #"{"code":"wrong-offset","message":"go on at byte 7","offset":7}"#)
        #expect(conflict.head.lowercased().contains("content-type: application/json"))
        let failed = try await Self.exchange("GET /fail HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(failed.status == 500)
        #expect(failed.body.contains(#""code":"internal""#) && !failed.body.contains("Cocoa"))
    }

    @Test("each request is authorised anew, on a connection that is open already")
    func authorisation() async throws {
        let federation = try ServerFederation()
        let (a, b) = (try federation.site("hospital-a"), try federation.site("hospital-b"))
        let active = ActiveKeys([try SigningKey(pem: a.key).spki])
        let allow: @Sendable (ConnectionFacts) -> Bool = { active.contains($0.peer?.publicKey ?? "") }
        try await withServer(federation, allow: allow) { port, journal in
            let statuses = try await blocking {
                let client = try TLSClient(port: port, .init(identity: a))
                let other = try TLSClient(port: port, .init(identity: b))
                let before = [try client.get("/whoami").status, try other.get("/whoami").status]
                active.remove(try SigningKey(pem: a.key).spki)
                return before + [try client.get("/whoami").status]
            }
            #expect(statuses == [200, 403, 403])
            #expect(journal.all.count == 1)
        }
    }
}
