package import NIOCore

/// Large buffers that are used again as soon as nobody else holds them: a fresh one costs a page fault for every 4 KiB,
/// more than encrypting them.
package struct BufferPool {
    /// Buffers remembered, at most.
    private static let limit = 4

    private let capacity: Int
    private var lent: [ByteBuffer] = []

    package init(capacity: Int) { self.capacity = capacity }

    /// An empty buffer with room for `capacity` bytes.
    package mutating func take() -> ByteBuffer {
        for index in lent.indices {
            let isFree: Void? = lent[index].modifyIfUniquelyOwned { $0.clear() }
            if isFree != nil { return lent.remove(at: index) }
        }
        return ByteBufferAllocator().buffer(capacity: capacity)
    }

    /// Remembers a buffer that is handed on to others.
    package mutating func lend(_ buffer: ByteBuffer) {
        if lent.count == Self.limit { lent.removeFirst() }
        lent.append(buffer)
    }
}

/// The pool that the TLS connections of one event loop share, so that idle ones hold nothing.
final class LoopBuffers {
    /// Plaintext taken for one write: fifteen full records, so that their ciphertext fits a power of two.
    static let batch = 240 << 10

    var pool = BufferPool(capacity: 256 << 10)
}
