import Glibc
import Synchronization

/// A file written under a temporary name beside its target, which takes the target's place only when it is complete.
///
/// If it is dropped before `commit`, the temporary file is removed and the target is as it was.
final class AtomicFile {
    private static let serial = Atomic<Int>(0)

    private let path: String
    private let temporary: String
    private var descriptor: Int32

    /// Creates the temporary file, readable by its owner only: weights may reveal something about patients.
    /// - Parameters:
    ///   - path: the target.
    ///   - size: bytes it will have; reserved on disk where the file system can, so that a full disk shows at once.
    init(_ path: String, size: Int) throws(WeightsError) {
        self.path = path
        let folder = Self.folder(of: path)
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        let number = Self.serial.wrappingAdd(1, ordering: .relaxed).newValue
        temporary = "\(folder)/.\(name.utf8.count > 200 ? "weights" : name).\(getpid()).\(number).partial"
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            throw WeightsError(.cannotWrite, "\(path) cannot be written: it is not a file; give another path")
        }
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw WeightsError(.cannotWrite, "\(path) cannot be written: \(systemMessage(errno)); give another path")
        }
        let reserved = size > 0 ? posix_fallocate(descriptor, 0, off_t(size)) : 0
        if reserved == ENOSPC || reserved == EDQUOT || reserved == EFBIG {
            let error = failure(reserved, size: size)
            discard()
            throw error
        }
    }

    deinit { discard() }

    /// Appends bytes.
    func write(_ bytes: UnsafeRawBufferPointer) throws(WeightsError) {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count >= 0 {
                done += count
            } else if errno != EINTR {
                throw failure(errno, size: nil)
            }
        }
    }

    /// Makes the bytes durable and puts the file in the target's place.
    func commit() throws(WeightsError) {
        guard fsync(descriptor) == 0 else { throw failure(errno, size: nil) }
        guard close(take()) == 0, rename(temporary, path) == 0 else {
            let error = failure(errno, size: nil)
            unlink(temporary)
            throw error
        }
        let folder = open(Self.folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
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

    private func failure(_ number: Int32, size: Int?) -> WeightsError {
        if number == ENOSPC || number == EDQUOT {
            let need = size.map { " (\($0) bytes are needed)" } ?? ""
            return WeightsError(
                .diskFull, "\(path) cannot be written: the disk is full\(need); free space and try again")
        }
        return WeightsError(.cannotWrite, "\(path) cannot be written: \(systemMessage(number))")
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
