/// Files that arrive whole or go on where they stopped, for as long as it takes.
package enum Transfers {
    /// Downloads a file, going on from `<file>.part`, and puts it in place when its digest is right.
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
        fatalError("not yet")
    }

    /// Uploads a file: `POST` opens or finds the upload, `PATCH` sends from the durable offset, and after a cut the offset
    /// is asked for again.
    /// - Parameters:
    ///   - file: `bytes` long; it must not change meanwhile.
    ///   - request: the JSON that opens the upload.
    ///   - path: where uploads are opened; one upload is at `<path>/<id>`.
    /// - Returns: the server's last status (JSON), with its receipt.
    package static func upload(
        _ file: String, bytes: Int, request: [UInt8], to path: String = "/v1/uploads", over client: HTTPClient,
        backoff: Backoff = Backoff(), progress: @escaping @Sendable (Int) -> Void = { _ in },
        report: @escaping @Sendable (TransportError, Duration) -> Void = { _, _ in }
    ) async throws(TransportError) -> [UInt8] {
        fatalError("not yet")
    }
}
