import Glibc

/// Writes files that are there whole or not at all.
enum AtomicFile {
    /// What a file's name ends with while it is being written.
    static let ending = ".unfinished"

    /// Writes beside the target, syncs, renames; on failure nothing new is left and what was there stays.
    /// - Throws: ``CohortError`` naming the target and the reason.
    static func write(_ bytes: [UInt8], to path: String, permissions: mode_t) throws(CohortError) {
        let random = UInt64.random(in: 0 ... .max)
        let temporary = "\(path).\(getpid()).\(String(random, radix: 16))\(ending)"
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, permissions)
        guard file >= 0 else { throw failure(path) }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(file, $0.baseAddress.map { $0 + written }, bytes.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let error = failure(path)
                close(file)
                unlink(temporary)
                throw error
            }
            written += count
        }
        let synced = fsync(file) == 0
        let error = failure(path)
        guard close(file) == 0, synced, rename(temporary, path) == 0 else {
            let late = synced ? failure(path) : error
            unlink(temporary)
            throw late
        }
    }

    private static func failure(_ path: String) -> CohortError {
        CohortError(.cache, "The file \(path) cannot be written: \(FileBytes.reason()).")
    }
}
