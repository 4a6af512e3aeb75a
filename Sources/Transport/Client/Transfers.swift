/// Files that arrive whole or go on where they stopped, for as long as it takes.
package enum Transfers {
    /// Downloads a file, going on from `<file>.part`, and puts it in place when its digest is right.
    ///
    /// Tries on through cut lines and whatever may pass, until it is cancelled or refused for good.
    /// - Parameters:
    ///   - digest: SHA-256, 64 hexadecimal digits; the server's ETag must be this.
    ///   - bytes: the file's size.
    ///   - progress: bytes that are there; called from the client's thread, at most once a mebibyte.
    ///   - report: told of every failure and of the wait that follows.
    package static func download(
        _ path: String, to file: String, digest: String, bytes: Int, over client: HTTPClient,
        backoff: Backoff = Backoff(), progress: @escaping @Sendable (Int) -> Void = { _ in },
        report: @escaping @Sendable (TransportError, Duration) -> Void = { _, _ in }
    ) async throws(TransportError) {
        let part = try PartialFile(file, digest: digest.lowercased(), bytes: bytes, progress: progress)
        // The client's thread may hold on to it a little longer than the download that comes next can wait.
        defer { part.letGo() }
        try part.adopt()
        var waits = backoff
        var hasStartedAgain = false
        while true {
            while !part.isComplete {
                let before = part.count
                do throws(TransportError) {
                    try await fetch(path, into: part, over: client)
                } catch {
                    if part.count > before { waits.reset() }
                    // 416: what is here does not fit what is there.
                    if error.problem?.status == 416, before > 0 {
                        try part.startAgain()
                    } else {
                        try await waits.wait(after: error, report: report)
                    }
                }
            }
            if try part.finish() { return }
            guard !hasStartedAgain else {
                part.discard()
                throw TransportError(
                    .wrongDigest,
                    "\(client.settings.address)\(path) arrived twice with other bytes than its digest says; it is "
                        + "damaged at the server"
                )
            }
            hasStartedAgain = true
        }
    }

    private static func fetch(
        _ path: String, into part: PartialFile, over client: HTTPClient
    ) async throws(TransportError) {
        let before = part.count
        let headers = before > 0 ? ["Range": "bytes=\(before)-"] : [:]
        let order = try client.order("GET", path, body: .none, headers: headers)
        do throws(TransportError) { _ = try await client.perform(order, sink: part) } catch {
            try part.write()
            throw error
        }
        try part.write()
        if !part.isComplete {
            throw TransportError(.cut, "the line to \(client.settings.address) ended before the file did")
        }
    }

    /// Uploads a file: `POST` opens or finds the upload, `PATCH` sends from the durable offset, and after a cut the
    /// offset is asked for again.
    ///
    /// Tries on through cut lines and whatever may pass, until it is cancelled or refused for good.
    /// - Parameters:
    ///   - file: `bytes` long; it must not change meanwhile.
    ///   - request: the JSON that opens the upload; the same request finds the same upload.
    ///   - path: where uploads are opened; one upload is at `<path>/<id>`.
    ///   - progress: bytes that have left or are known to be durable; called from the client's thread.
    ///   - report: told of every failure and of the wait that follows.
    /// - Returns: the server's last status (JSON), with its receipt.
    package static func upload(
        _ file: String, bytes: Int, request: [UInt8], to path: String = "/v1/uploads", over client: HTTPClient,
        backoff: Backoff = Backoff(), progress: @escaping @Sendable (Int) -> Void = { _ in },
        report: @escaping @Sendable (TransportError, Duration) -> Void = { _, _ in }
    ) async throws(TransportError) -> [UInt8] {
        var upload = ResumableUpload(
            file: file, bytes: bytes, request: request, path: path, client: client, progress: progress)
        var waits = backoff
        while true {
            let before = upload.durable
            do throws(TransportError) {
                if let receipt = try await upload.step() { return receipt }
                if upload.durable > before { waits.reset() }
            } catch {
                if upload.durable > before { waits.reset() }
                if upload.corrects(error) { continue }
                try await waits.wait(after: error, report: report)
            }
        }
    }
}
