import Foundation

/// One upload, as far as its server has told.
struct ResumableUpload {
    /// What an upload's status must have for this side; the rest is the caller's.
    private struct Status: Decodable {
        struct Receipt: Decodable {}
        var id: String
        var offset: Int
        var bytes: Int
        var receipt: Receipt?
    }

    let file: String
    let bytes: Int
    let request: [UInt8]
    let path: String
    let client: HTTPClient
    let progress: @Sendable (Int) -> Void
    /// Nil until the server has opened it.
    var id: String?
    /// Bytes that are durable at the server.
    private(set) var durable = 0
    /// Whether `durable` is the server's last word.
    var isKnown = false

    init(
        file: String, bytes: Int, request: [UInt8], path: String, client: HTTPClient,
        progress: @escaping @Sendable (Int) -> Void
    ) {
        self.file = file
        self.bytes = bytes
        self.request = request
        self.path = path
        self.client = client
        self.progress = progress
    }

    /// One request: asks how it stands, or sends from there.
    /// - Returns: the status with its receipt, once there is one.
    mutating func step() async throws(TransportError) -> [UInt8]? {
        guard isKnown, let id else {
            guard let id else {
                return try take(try await client.send("POST", path, body: .bytes(request)))
            }
            return try take(try await client.send("GET", "\(path)/\(id)"))
        }
        let start = durable
        // With nothing left this asks for the receipt.
        let order = try client.order(
            "PATCH", "\(path)/\(id)?offset=\(start)", body: .file(file, offset: start, count: bytes - start), headers: [:])
        let answer = try await client.perform(order) { [progress] in progress(start + $0) }
        let receipt = try take(answer)
        if receipt == nil, durable <= start {
            throw TransportError(.busy, "the server has all bytes of \(file) or takes no more of them now")
        }
        return receipt
    }

    private mutating func take(_ answer: HTTPAnswer) throws(TransportError) -> [UInt8]? {
        let status: Status = try answer.decoded()
        let isName = !status.id.isEmpty && status.id.utf8.allSatisfy { (48...57).contains($0) || (97...122).contains($0) }
        guard isName, status.bytes == bytes, (0...bytes).contains(status.offset) else {
            throw TransportError(.violation, "the server's upload is not of this file (\(bytes) bytes); compare versions")
        }
        id = status.id
        durable = status.offset
        isKnown = true
        progress(durable)
        return status.receipt == nil ? nil : answer.body
    }
}
