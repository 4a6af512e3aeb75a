import Cryptography
import Files
import Foundation
import Glibc

/// A file on its way: `<target>.part`, hashed as it grows, put in place when it is whole and right.
///
/// Unchecked: used by the task that downloads and, while a request runs, by the client's thread; never by both at once.
final class PartialFile: AnswerSink, @unchecked Sendable {
    private let target: String
    private let path: String
    private let digest: String
    private let bytes: Int
    private let progress: @Sendable (Int) -> Void
    private let descriptor: Int32
    /// Nil only while ``finish()`` looks at it.
    private var hash: SHA256? = SHA256()
    private var reported = 0
    /// Bytes that came and are not written yet: pieces as TLS cuts them are too small to write one by one.
    private let gathered = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    private var waiting = 0
    /// Bytes that are there and hashed, or gathered.
    private(set) var count = 0

    init(
        _ target: String, digest: String, bytes: Int, progress: @escaping @Sendable (Int) -> Void
    ) throws(TransportError) {
        self.target = target
        self.digest = digest
        self.bytes = bytes
        self.progress = progress
        path = target + ".part"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Self.unusable(path) }
        // Two programs writing into one part would make rubbish of it.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw TransportError(.fileUnusable, "\(path) is being downloaded by another process; wait for it or end it")
        }
        // A disk too small shows before the transfer, not after most of it.
        var disk = statvfs()
        let isThere = Int(lseek(descriptor, 0, SEEK_END))
        if fstatvfs(descriptor, &disk) == 0, Int(disk.f_bavail) * Int(disk.f_frsize) < bytes - isThere {
            close(descriptor)
            throw TransportError(.fileUnusable, "the disk is too full for \(target) (\(bytes) bytes); free space")
        }
    }

    deinit {
        gathered.deallocate()
        close(descriptor)
    }

    var isComplete: Bool { count == bytes }

    /// Hashes what an earlier run left.
    func adopt() throws(TransportError) {
        let isThere = Int(lseek(descriptor, 0, SEEK_END))
        guard isThere >= 0 else { throw Self.unusable(path) }
        guard isThere <= bytes else { return try startAgain() }
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { chunk.deallocate() }
        while count < isThere {
            let got = pread(descriptor, chunk.baseAddress, min(chunk.count, isThere - count), off_t(count))
            guard got > 0 else { throw Self.unusable(path) }
            hash?.update(UnsafeRawBufferPointer(rebasing: chunk[..<got]))
            count += got
        }
        if count > 0 { progress(count) }
    }

    func startAgain() throws(TransportError) {
        guard ftruncate(descriptor, 0) == 0 else { throw Self.unusable(path) }
        hash = SHA256()
        waiting = 0
        count = 0
        reported = 0
    }

    func begin(status: Int, headers: [String: String]) throws(TransportError) {
        let tag = headers["etag"].map { $0.filter { $0 != "\"" } }
        guard tag == digest else {
            throw TransportError(
                .violation,
                "the server offers another file than the one asked for (\(digest.prefix(12))…); compare versions")
        }
        if status == 206 {
            guard headers["content-range"]?.lowercased() == "bytes \(count)-\(bytes - 1)/\(bytes)" else {
                throw TransportError(
                    .violation, "the server sends another part than the one asked for; compare versions")
            }
        } else if count > 0 {
            try startAgain()
        }
    }

    func receive(_ piece: UnsafeRawBufferPointer) throws(TransportError) {
        guard count + piece.count <= bytes else {
            throw TransportError(.violation, "the server sends more than the \(bytes) bytes it announced for \(target)")
        }
        var rest = piece
        while !rest.isEmpty {
            if waiting == gathered.count { try write() }
            let part = UnsafeRawBufferPointer(rebasing: rest.prefix(gathered.count - waiting))
            UnsafeMutableRawBufferPointer(rebasing: gathered[waiting...]).copyMemory(from: part)
            waiting += part.count
            count += part.count
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(part.count))
        }
        if count - reported >= 1 << 20 || count == bytes {
            reported = count
            progress(count)
        }
    }

    /// Writes what was gathered; called whenever a request has ended, however it did.
    func write() throws(TransportError) {
        var done = 0
        while done < waiting {
            let rest = UnsafeRawBufferPointer(rebasing: gathered[done..<waiting])
            let written = pwrite(descriptor, rest.baseAddress, rest.count, off_t(count - waiting + done))
            if written >= 0 { done += written } else if errno != EINTR { throw Self.unusable(path) }
        }
        hash?.update(UnsafeRawBufferPointer(rebasing: gathered[..<waiting]))
        waiting = 0
    }

    /// Puts the file in place.
    /// - Returns: false when the digest is wrong; it is empty again then.
    func finish() throws(TransportError) -> Bool {
        guard let whole = hash.take(), whole.finish() == digest else {
            try startAgain()
            return false
        }
        guard fsync(descriptor) == 0, rename(path, target) == 0 else { throw Self.unusable(target) }
        DurableFile.synchronise(folder: (target as NSString).deletingLastPathComponent)
        return true
    }

    /// Lets another download have the part.
    func letGo() { flock(descriptor, LOCK_UN) }

    /// Removes the part, when nothing good can come of it.
    func discard() { unlink(path) }

    private static func unusable(_ path: String) -> TransportError {
        let full = errno == ENOSPC || errno == EDQUOT
        let remedy = full ? "free space" : "check the folder's permissions"
        return TransportError(
            .fileUnusable, "\(path) cannot be written: \(String(cString: strerror(errno)).lowercased()); \(remedy)")
    }
}
