import Glibc

/// Writes a file so that its name always shows either the old content or all of the new.
enum AtomicWrite {
    static func write(_ bytes: [UInt8], to path: String) throws(NIfTIError) {
        let parts = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { path.index(after: $0) } ?? path.startIndex
        let folder = parts == path.startIndex ? "." : String(path[..<parts])
        let name = path[parts...]
        guard !name.isEmpty, !path.utf8.contains(0) else { throw failure("this is not a file name") }
        let unique = UInt64.random(in: .min ... .max)
        let temporary = "\(folder)/.\(name).\(String(unique, radix: 36)).partial"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw failure(systemMessage()) }
        do throws(NIfTIError) {
            try fill(descriptor, with: bytes)
            guard rename(temporary, path) == 0 else { throw failure(systemMessage()) }
        } catch {
            unlink(temporary)
            throw error
        }
        synchronize(folder)
    }

    /// Writes, syncs and closes, whatever happens.
    private static func fill(_ descriptor: Int32, with bytes: [UInt8]) throws(NIfTIError) {
        var problem: NIfTIError?
        bytes.withUnsafeBytes { bytes in
            var done = 0
            while done < bytes.count {
                let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
                if count < 0 {
                    if errno == EINTR { continue }
                    problem = failure(systemMessage())
                    return
                }
                done += count
            }
        }
        if problem == nil, fsync(descriptor) != 0 { problem = failure(systemMessage()) }
        if close(descriptor) != 0, problem == nil { problem = failure(systemMessage()) }
        if let problem { throw problem }
    }

    /// Makes the new name last through a power cut; where the file system cannot, the file itself is already safe.
    private static func synchronize(_ folder: String) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    private static func failure(_ reason: String) -> NIfTIError {
        NIfTIError(.cannotWrite, "it cannot be written: \(reason); check the folder and its free space")
    }
}
