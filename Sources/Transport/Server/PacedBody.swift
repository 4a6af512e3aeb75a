import Glibc
package import Hummingbird
import NIOCore
import NIOPosix
import Synchronization

/// Part of a file as the body of an answer, read as the peer takes it: memory stays flat however large the file.
/// - Parameters:
///   - file: Its path. It is opened when the body begins and must not shrink meanwhile.
///   - range: Bytes, from 0.
package func pacedBody(file: String, range: Range<Int>, context: ServiceContext) -> ResponseBody {
    ResponseBody(contentLength: range.count) { writer in
        let source = try PacedFile(file)
        var offset = range.lowerBound
        while offset < range.upperBound {
            let piece = try await source.read(at: offset, count: min(PacedFile.piece, range.upperBound - offset))
            offset += piece.readableBytes
            try await writer.write(piece)
            // What is written is queued to the event loop; until it has arrived there, the channel seems writable.
            try await LiveConnection.current?.settle()
        }
        try await writer.finish(nil)
    }
}

/// Bytes of value zero as the body of an answer, made as the peer takes them.
package func pacedZeros(count: Int) -> ResponseBody {
    ResponseBody(contentLength: count) { writer in
        let zeros = ByteBuffer(repeating: 0, count: min(count, PacedFile.piece))
        var left = count
        while left > 0, let piece = zeros.getSlice(at: 0, length: min(left, zeros.readableBytes)) {
            left -= piece.readableBytes
            try await writer.write(piece)
            try await LiveConnection.current?.settle()
        }
        try await writer.finish(nil)
    }
}

/// A file that is read on a thread pool.
private final class PacedFile: Sendable {
    static let piece = 2 * LoopBuffers.batch

    private let descriptor: Int32
    private let path: String
    private let buffers = Mutex(BufferPool(capacity: PacedFile.piece))

    init(_ path: String) throws {
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        self.path = path
        guard descriptor >= 0 else {
            throw Refusal(500, "internal", "cannot read \(path): \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(descriptor) }

    func read(at offset: Int, count: Int) async throws -> ByteBuffer {
        try await NIOThreadPool.singleton.runIfActive { [self] in
            var buffer = buffers.withLock { $0.take() }
            try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { room in
                let got = pread(descriptor, room.baseAddress, count, off_t(offset))
                guard got > 0 else { throw Refusal(500, "internal", "\(path) ends before byte \(offset + count)") }
                return got
            }
            buffers.withLock { $0.lend(buffer) }
            return buffer
        }
    }
}
