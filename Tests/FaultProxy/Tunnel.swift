import Foundation

/// The `CONNECT` of HTTP/1.1 (RFC 9110, 9.3.6), as far as a test needs it.
enum Tunnel {
    /// Reads the request and opens the tunnel.
    /// - Returns: the server's socket; nil when the client was turned away.
    static func open(_ client: Int32, credentials: String?, answer: Int?, _ line: Line) -> Int32? {
        let expected = credentials.map { "basic " + Data($0.utf8).base64EncodedString() }
        // A client that is asked for credentials asks again on the same connection.
        while let head = head(of: client) {
            let lines = head.components(separatedBy: "\r\n")
            let words = lines[0].split(separator: " ")
            guard words.count == 3, words[0] == "CONNECT" else {
                reply(client, "405 Method Not Allowed", "Allow: CONNECT\r\n")
                return nil
            }
            if let answer {
                reply(client, "\(answer) \(answer == 407 ? "Proxy Authentication Required" : "No")")
                return nil
            }
            let given = lines.first { $0.lowercased().hasPrefix("proxy-authorization:") }
                .map { $0.dropFirst("proxy-authorization:".count).trimmingCharacters(in: .whitespaces) }
            if let expected, given.map({ "basic " + $0.dropFirst(6) }) != expected {
                reply(client, "407 Proxy Authentication Required", "Proxy-Authenticate: Basic realm=\"hospital\"\r\n")
                continue
            }
            guard let colon = words[1].lastIndex(of: ":"), let port = Int(words[1][words[1].index(after: colon)...])
            else {
                reply(client, "400 Bad Request")
                return nil
            }
            let host = words[1][..<colon].filter { $0 != "[" && $0 != "]" }
            guard let server = Socket.connect(host: String(host), port: port) else {
                reply(client, "502 Bad Gateway")
                return nil
            }
            line.opensTunnel()
            _ = Socket.send(Array("HTTP/1.1 200 Connection established\r\n\r\n".utf8)[...], to: client)
            return server
        }
        return nil
    }

    private static func reply(_ client: Int32, _ status: String, _ headers: String = "") {
        _ = Socket.send(Array("HTTP/1.1 \(status)\r\n\(headers)Content-Length: 0\r\n\r\n".utf8)[...], to: client)
    }

    /// A request's head without its empty line, at most 16 KiB; read byte by byte, since the tunnel follows it.
    private static func head(of client: Int32) -> String? {
        var bytes: [UInt8] = []
        while bytes.count < 16 << 10 {
            let next = Socket.receive(client, most: 1)
            guard let byte = next.first else { return nil }
            bytes.append(byte)
            if bytes.suffix(4) == [13, 10, 13, 10] { return String(decoding: bytes.dropLast(4), as: UTF8.self) }
        }
        return nil
    }
}
