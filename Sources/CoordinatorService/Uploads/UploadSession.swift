import Dispatch
import Federation
import NIOCore
import Synchronization

/// One upload since the coordinator was started: who may write it, and its file while it is open.
///
/// All work on the file is done on a line of its own, so that a disk that takes its time keeps no request waiting.
final class UploadSession: Sendable {
    let site: String
    let turn = UploadTurn()
    private let line: DispatchQueue
    private let writer = Mutex<UploadWriter?>(nil)

    init(id: String, site: String) {
        self.site = site
        line = DispatchQueue(label: "consilium.upload.\(id)", qos: .userInitiated)
    }

    /// Opens the file if it is not.
    /// - Returns: bytes that are durable.
    func open(_ make: @escaping @Sendable () throws -> UploadWriter) async throws -> Int {
        try await onLine { writer in
            if let durable = writer?.durable { return durable }
            let made = try make()
            let durable = made.durable
            writer = consume made
            return durable
        }
    }

    /// Takes the next bytes.
    /// - Returns: bytes that are durable.
    func add(_ buffer: ByteBuffer) async throws -> Int {
        try await onLine { writer in
            try writer?.add(buffer)
            try writer?.synchroniseIfDue()
            return writer?.durable ?? 0
        }
    }

    /// Makes what came durable.
    /// - Returns: bytes that are durable; nil when the file is not open.
    func synchronise() async throws -> Int? {
        try await onLine { writer in
            try writer?.synchronise()
            return writer?.durable
        }
    }

    /// Verifies the whole and closes the file.
    func finish(digest: String) async throws -> VerifiedUpdate? {
        try await onLine { writer in
            let verified = try writer?.finish(digest: digest)
            writer = nil
            return verified
        }
    }

    /// Closes the file; what is not durable will be asked for again.
    func close() async { _ = try? await onLine { $0 = nil } }

    private func onLine<T: Sendable>(_ body: @escaping @Sendable (inout UploadWriter?) throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            line.async {
                continuation.resume(with: Result { try self.writer.withLock { try body(&$0) } })
            }
        }
    }
}
