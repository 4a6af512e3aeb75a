import Federation
import Glibc
import NIOCore

/// An update's file, and the verifier its bytes pass on their way in.
struct UploadWriter: ~Copyable {
    /// Bytes after which what came is made durable.
    static let piece = 8 << 20

    private let descriptor: Int32
    private let bytes: Int
    private var verifier: UpdateVerifier?
    /// Bytes in the file.
    private var written: Int
    /// Bytes that are durable.
    private(set) var durable: Int

    /// Opens the file and reads again what is durable of it.
    /// - Parameter verifier: has seen nothing yet.
    init(
        _ path: String, bytes: Int, durable: Int, verifier fresh: consuming UpdateVerifier
    ) throws(Problem) {
        try fresh.resume(fromFile: path, count: durable)
        let descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            throw Problem(.internalError, "The upload's file is missing at the coordinator; send the update again.")
        }
        self.descriptor = descriptor
        self.bytes = bytes
        self.durable = durable
        written = durable
        verifier = consume fresh
    }

    deinit { close(descriptor) }

    /// Makes the file, with its disk space taken.
    static func reserve(_ path: String, bytes: Int) throws(Problem) {
        // Twice, for the fold that follows writes as much again.
        if let free = DiskSpace.free(at: path), free < 2 * bytes + bytes / 20 { throw full(bytes) }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            if errno == ENOSPC || errno == EDQUOT { throw full(bytes) }
            throw Problem(.internalError, "The coordinator cannot make a file for the upload; ask its operator.")
        }
        defer { close(descriptor) }
        let taken = posix_fallocate(descriptor, 0, off_t(bytes))
        guard taken == 0 || taken == EOPNOTSUPP || taken == EINVAL else {
            unlink(path)
            throw full(bytes)
        }
    }

    static func full(_ bytes: Int) -> Problem {
        Problem(
            .diskFull,
            "The coordinator has no room for an update of \(bytes) bytes; its operator must free space, then"
                + " it is taken.")
    }

    /// Takes the next bytes.
    /// - Throws: what is wrong with the update, or `.diskFull`.
    mutating func add(_ buffer: ByteBuffer) throws(Problem) {
        let readable = buffer.readableBytesView
        guard readable.count <= bytes - written else {
            throw Problem(
                .tooManyBytes, "The update goes on after the \(bytes) bytes announced; write and sign it again.")
        }
        var problem: Problem?
        readable.withUnsafeBytes { raw in
            do throws(Problem) { try add(raw) } catch { problem = error }
        }
        if let problem { throw problem }
    }

    private mutating func add(_ raw: UnsafeRawBufferPointer) throws(Problem) {
        try verifier?.add(raw)
        guard ObjectStore.writeAll(raw, to: descriptor, at: written) else {
            throw errno == ENOSPC || errno == EDQUOT
                ? Self.full(bytes)
                : Problem(
                    .internalError, "The coordinator cannot write the upload; its operator must look at the disk.")
        }
        written += raw.count
    }

    /// Makes the bytes durable when there is a piece of them.
    mutating func synchroniseIfDue() throws(Problem) {
        if written - durable >= Self.piece { try synchronise() }
    }

    /// Makes all bytes durable.
    mutating func synchronise() throws(Problem) {
        guard written > durable else { return }
        guard fdatasync(descriptor) == 0 else {
            // What a failed fdatasync left in the page cache cannot be trusted, nor tried again on this descriptor.
            throw Problem(.internalError, "The coordinator's disk failed while it kept the upload; ask its operator.")
        }
        durable = written
    }

    /// Ends the update, once all bytes are there.
    /// - Throws: what is wrong with it.
    mutating func finish(digest: String) throws(Problem) -> VerifiedUpdate {
        guard let verifier = verifier.take() else {
            throw Problem(.internalError, "The update was verified before; ask how it stands.")
        }
        return try verifier.finish(digest: digest)
    }
}
