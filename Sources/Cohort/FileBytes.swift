import Cryptography
import Glibc

/// Reads regular files, and nothing else, without following what a folder, a pipe or a device would do.
enum FileBytes {
    /// What tells one state of a file from another without reading it.
    struct Stamp: Hashable {
        var path: String
        var device: UInt64
        var inode: UInt64
        var bytes: Int64
        var seconds: Int
        var nanoseconds: Int
    }

    /// The words of the last system error.
    static func reason(_ code: CInt = errno) -> String { String(cString: strerror(code)) }

    /// Reads a whole file.
    /// - Parameters:
    ///   - limit: the most bytes it may have.
    ///   - what: what the file is, for the messages.
    static func read(_ path: String, limit: Int, what: String) throws(CohortError) -> [UInt8] {
        var bytes: [UInt8] = []
        try forEachPiece(of: path, what: what) { piece throws(CohortError) in
            guard bytes.count + piece.count <= limit else {
                throw CohortError(.unreadable, "The \(what) \(path) is larger than \(limit >> 20) MiB; check the path.")
            }
            bytes.append(contentsOf: piece)
        }
        return bytes
    }

    /// The SHA-256 of a file's bytes, read in pieces.
    static func digest(of path: String) throws(CohortError) -> String {
        var hash = SHA256()
        try forEachPiece(of: path, what: "file") { piece throws(CohortError) in hash.update(piece) }
        return hash.finish()
    }

    /// - Returns: nil when the file cannot be looked at.
    static func stamp(of path: String) -> Stamp? {
        var facts = stat()
        guard stat(path, &facts) == 0 else { return nil }
        return Stamp(
            path: path, device: UInt64(facts.st_dev), inode: UInt64(facts.st_ino), bytes: Int64(facts.st_size),
            seconds: facts.st_mtim.tv_sec, nanoseconds: facts.st_mtim.tv_nsec)
    }

    private static func forEachPiece(
        of path: String, what: String, _ body: (UnsafeRawBufferPointer) throws(CohortError) -> Void
    ) throws(CohortError) {
        // Without O_NONBLOCK a named pipe would wait for a writer for ever.
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            throw CohortError(.unreadable, "The \(what) \(path) cannot be opened: \(reason()); check the path.")
        }
        defer { close(file) }
        var facts = stat()
        guard fstat(file, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            throw CohortError(.unreadable, "The \(what) \(path) is a folder or a device; give a file.")
        }
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { piece.deallocate() }
        while true {
            let count = Glibc.read(file, piece.baseAddress, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw CohortError(
                    .unreadable, "The \(what) \(path) cannot be read: \(reason()); check the disk and try again.")
            }
            guard count > 0 else { return }
            try body(UnsafeRawBufferPointer(rebasing: piece[0..<count]))
        }
    }
}
