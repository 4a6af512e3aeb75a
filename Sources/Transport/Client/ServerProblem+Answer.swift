import CCurl
package import Foundation

extension ServerProblem {
    private struct Body: Decodable {
        var code: String
        var message: String
        var offset: Int?
    }

    /// Reads the body of a refusal; what is not our server's is told by its status alone.
    init(status: Int, body: [UInt8]) {
        if let read = try? JSONDecoder().decode(Body.self, from: Data(body)) {
            self.init(
                status: status, code: PlainText.line(read.code.utf8, limit: 64),
                message: PlainText.line(read.message.utf8, limit: 1000), offset: read.offset)
        } else {
            self.init(status: status, code: "", message: "HTTP \(status)")
        }
    }
}

extension TransportError {
    /// An answer of 400 and above.
    init(status: Int, headers: [String: String], body: [UInt8], place: String) {
        let problem = ServerProblem(status: status, body: body)
        let wait = headers["retry-after"].flatMap { Int($0) }.map { max(0, $0) }
        let said = problem.code.isEmpty ? "HTTP \(status)" : problem.message
        let (code, text): (Code, String) =
            switch (status, problem.code) {
            case (507, _), (_, "disk-full"): (.serverFull, "the server at \(place) has no room: \(said)")
            case (503, _), (429, _): (.busy, "the server at \(place) is busy: \(said)")
            case (401, _), (403, _): (.identityRefused, "the server at \(place) refuses this site: \(said)")
            case (_, ""):
                (
                    .problem,
                    "\(place) answers HTTP \(status), and not as our server does; check the address and the proxy"
                )
            default: (.problem, said)
            }
        self.init(code, text, problem: problem, retryAfter: wait)
    }
}

extension HTTPAnswer {
    /// The server's clock, by the `Date` header, to the second.
    package var serverTime: Date? { Self.time(headers["date"]) }

    static func time(_ text: String?) -> Date? {
        guard let text else { return nil }
        let seconds = curl_getdate(text, nil)
        return seconds < 0 ? nil : Date(timeIntervalSince1970: Double(seconds))
    }
}
