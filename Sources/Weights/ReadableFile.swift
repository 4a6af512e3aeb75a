import Glibc

/// A regular file open for reading at given offsets. It holds no cursor, so threads may share it.
final class ReadableFile: Sendable {
    let path: String
    /// Bytes in the file when it was opened.
    let size: Int
    private let descriptor: Int32

    /// - Throws: `WeightsError` `.cannotOpen` when there is no regular file to read at the path.
    init(_ path: String) throws(WeightsError) {
        // O_NONBLOCK: opening a pipe by mistake must not wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw WeightsError(.cannotOpen, "\(path) cannot be opened: \(systemMessage(errno)); check the path")
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw WeightsError(.cannotOpen, "\(path) is not a file; give the path of a weight file")
        }
        self.path = path
        self.size = Int(status.st_size)
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Fills a buffer from an offset.
    /// - Throws: `WeightsError` `.cannotRead` when the bytes are not there.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(WeightsError) {
        var done = 0
        while done < buffer.count {
            let target = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let count = pread(descriptor, target.baseAddress, target.count, off_t(offset + done))
            if count > 0 {
                done += count
            } else if count == 0 {
                throw WeightsError(.cannotRead, "\(path) ended while it was read; another program may be changing it")
            } else if errno != EINTR {
                throw WeightsError(.cannotRead, "\(path) cannot be read: \(systemMessage(errno))")
            }
        }
    }

    /// Bytes of a range, in memory at once.
    func bytes(_ range: Range<Int>) throws(WeightsError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: range.count)
        try bytes.withUnsafeMutableBufferPointer { (buffer) throws(WeightsError) in
            try read(into: UnsafeMutableRawBufferPointer(buffer), at: range.lowerBound)
        }
        return bytes
    }

    /// Hands over a range chunk by chunk, through one buffer.
    func forEachChunk(
        _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(WeightsError) -> Void
    ) throws(WeightsError) {
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { chunk.deallocate() }
        var position = range.lowerBound
        while position < range.upperBound {
            let count = min(chunk.count, range.upperBound - position)
            let bytes = UnsafeMutableRawBufferPointer(rebasing: chunk[..<count])
            try read(into: bytes, at: position)
            try body(UnsafeRawBufferPointer(bytes))
            position += count
        }
    }

    /// Maps a range of the file and hands its bytes over for the duration of the call.
    func withMapped<R>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
        guard !range.isEmpty else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let start = range.lowerBound / page * page
        let length = range.upperBound - start
        guard let base = mmap(nil, length, PROT_READ, MAP_PRIVATE, descriptor, off_t(start)), base != MAP_FAILED else {
            throw WeightsError(.cannotRead, "\(path) cannot be mapped into memory: \(systemMessage(errno))")
        }
        defer { munmap(base, length) }
        return try body(UnsafeRawBufferPointer(start: base + (range.lowerBound - start), count: range.count))
    }
}

/// The system's words for an error number.
func systemMessage(_ number: Int32) -> String {
    switch number {
    case ENOENT: "there is no such file or folder"
    case EACCES, EPERM: "permission is denied"
    case ENOSPC, EDQUOT: "the disk is full"
    case EISDIR: "it is a folder"
    case ENOTDIR: "a part of the path is not a folder"
    case EROFS: "the disk is read-only"
    case EIO: "the disk failed"
    default: "system error \(number)"
    }
}
