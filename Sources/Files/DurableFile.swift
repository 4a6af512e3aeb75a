package import Glibc
import Synchronization

/// A file written under a temporary name beside its target, which takes the target's place only when it is complete and
/// durable.
///
/// If it is dropped before ``commit()``, the temporary file is removed and the target is as it was.
package final class DurableFile {
    /// What a file's name ends with while it is being written; it also begins with a dot.
    package static let ending = ".partial"
    /// Whether a name is one that a file has while it is being written, `.NAME.PROCESS.NUMBER.partial`, and its process
    /// has ended.
    package static func isAbandoned(_ name: String) -> Bool {
        guard name.hasPrefix("."), name.hasSuffix(ending) else { return false }
        let numbers = name.dropLast(ending.count).split(separator: ".").suffix(2).map { Int32($0) }
        guard numbers.count == 2, let process = numbers[0], process > 0, numbers[1] != nil else { return false }
        // In a container a later process may have the number of one before it.
        return process == getpid() || (kill(process, 0) != 0 && errno == ESRCH)
    }

    private static let serial = Atomic<Int>(0)

    private let path: String
    private let temporary: String
    private var descriptor: Int32

    /// Creates the temporary file.
    /// - Parameters:
    ///   - path: the target.
    ///   - mode: permissions; by default for the owner only, since what a site writes may reveal something about
    ///     patients.
    ///   - size: bytes it will have; reserved on disk where the file system can, so that a full disk shows at once.
    package init(_ path: String, mode: mode_t = 0o600, size: Int = 0) throws(FileError) {
        self.path = path
        let name = path.utf8.contains(0) ? "" : path.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        guard !name.isEmpty else { throw FileError(path, because: "this is not a file name") }
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            throw FileError(path, because: "it is not a regular file")
        }
        let number = Self.serial.wrappingAdd(1, ordering: .relaxed).newValue
        let stem = name.utf8.count > 200 ? "file" : name
        temporary = "\(Self.folder(of: path))/.\(stem).\(getpid()).\(number)\(Self.ending)"
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw FileError(path, number: errno) }
        let reserved = size > 0 ? posix_fallocate(descriptor, 0, off_t(size)) : 0
        if reserved == ENOSPC || reserved == EDQUOT || reserved == EFBIG {
            discard()
            throw FileError(path, number: reserved, size: size)
        }
    }

    deinit { discard() }

    /// Writes a whole file.
    package static func write(_ bytes: some Sequence<UInt8>, to path: String, mode: mode_t = 0o600) throws(FileError) {
        let bytes = Array(bytes)
        let file = try DurableFile(path, mode: mode, size: bytes.count)
        try file.append(bytes)
        try file.commit()
    }

    /// Appends bytes.
    package func append(_ bytes: [UInt8]) throws(FileError) {
        var problem: FileError?
        bytes.withUnsafeBytes { raw in
            do throws(FileError) { try append(raw) } catch { problem = error }
        }
        if let problem { throw problem }
    }

    /// Appends bytes.
    package func append(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
        var done = 0
        while done < bytes.count {
            // Not more at once: larger pieces have the kernel look for larger runs of free memory, which costs more.
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done..<min(bytes.count, done + 1 << 20)])
            let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count >= 0 {
                done += count
            } else if errno != EINTR {
                throw FileError(path, number: errno)
            }
        }
    }

    /// Makes the bytes durable and puts the file in the target's place.
    package func commit() throws(FileError) {
        guard fsync(descriptor) == 0 else { throw FileError(path, number: errno) }
        guard close(take()) == 0, rename(temporary, path) == 0 else {
            let error = FileError(path, number: errno)
            unlink(temporary)
            throw error
        }
        Self.synchronise(folder: Self.folder(of: path))
    }

    /// Makes the bytes of a file that somebody else wrote last through a power cut.
    /// - Returns: false when they cannot be, with the reason in `errno`.
    package static func synchronise(file: String) -> Bool {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return fsync(descriptor) == 0
    }

    /// Makes the names in a folder last through a power cut; where the file system cannot, the files are already safe.
    package static func synchronise(folder: String) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    private func take() -> Int32 {
        defer { descriptor = -1 }
        return descriptor
    }

    private func discard() {
        guard descriptor >= 0 else { return }
        close(take())
        unlink(temporary)
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
