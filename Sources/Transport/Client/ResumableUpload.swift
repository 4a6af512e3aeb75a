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
    private var id: String?
    /// Bytes that are durable at the server.
    private(set) var durable = 0
    /// Whether `durable` is the server's last word.
    private var isKnown = false
    /// Whether a failure was put right as the server said, and nothing has moved since.
    private var wasCorrected = false

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
        if durable > start { wasCorrected = false }
        if receipt == nil, durable <= start {
            throw TransportError(.busy, "the server has all bytes of \(file) or takes no more of them now")
        }
        return receipt
    }

    /// After a failure: what is known no more, and whether to go on at once, as the server said.
    mutating func corrects(_ error: TransportError) -> Bool {
        isKnown = false
        let isFirst = !wasCorrected
        wasCorrected = true
        guard isFirst, let problem = error.problem else { return false }
        if problem.code == "wrong-offset", let offset = problem.offset, (0...bytes).contains(offset) {
            durable = offset
            isKnown = true
            return true
        }
        // It was given up there meanwhile; opened again, it is either new or refused for a reason.
        if problem.status == 404, id != nil {
            id = nil
            return true
        }
        return false
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
