import Glibc
import Synchronization

/// A file that holds disk space back, given up when the disk is full so that the transcript, and with it revocations,
/// can still be written.
package final class DiskReserve: Sendable {
    private let path: String
    private let bytes: Int
    private let state = Mutex(false)

    init(_ path: String, bytes: Int) {
        self.path = path
        self.bytes = bytes
    }

    /// Whether the space is held back now.
    package var isHeld: Bool { state.withLock { $0 } }

    /// Takes the space, when there is twice as much free.
    func fill() {
        state.withLock { isHeld in
            guard !isHeld, bytes > 0 else { return }
            var status = stat()
            if stat(path, &status) == 0, Int(status.st_blocks) * 512 >= bytes {
                isHeld = true
                return
            }
            guard let free = DiskSpace.free(at: path), free > 2 * bytes else { return }
            let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { return }
            isHeld = posix_fallocate(descriptor, 0, off_t(bytes)) == 0
            close(descriptor)
            if !isHeld { unlink(path) }
        }
    }

    /// Gives the space up.
    /// - Returns: whether there was any to give.
    func release() -> Bool {
        state.withLock { isHeld in
            defer { isHeld = false }
            return unlink(path) == 0
        }
    }
}

/// Space on the file system of a path.
enum DiskSpace {
    /// Bytes that can still be written; nil when the file system does not say.
    static func free(at path: String) -> Int? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 || statvfs(folder(of: path), &status) == 0 else { return nil }
        return Int(status.f_bavail) * Int(status.f_frsize)
    }

    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
