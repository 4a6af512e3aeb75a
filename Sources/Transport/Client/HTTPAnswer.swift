import Foundation

/// An answer below 400.
package struct HTTPAnswer: Sendable {
    package var status: Int
    /// Names in lower case.
    package var headers: [String: String]
    package var body: [UInt8]

    package init(status: Int, headers: [String: String], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package func decoded<Value: Decodable>(_ type: Value.Type = Value.self) throws(TransportError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(body))
        } catch {
            throw TransportError(
                .violation, "the server's answer is not the \(type) expected here; compare the versions of both sides")
        }
    }
}

/// What a request carries.
package enum RequestBody: Sendable {
    case none
    case bytes([UInt8])
    /// A part of a file, from `offset`, `count` bytes; read while it is sent.
    case file(String, offset: Int, count: Int)
    /// Bytes made from the TLS connection's exporter (32 bytes, label `EXPORTER-consilium-enrol`), as many as `count`;
    /// made again when the request has to move to another connection.
    case bound(count: Int, @Sendable (_ exporter: [UInt8]) -> [UInt8])
}
