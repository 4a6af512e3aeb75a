/// Memory for activations, planned once: reserve every piece first, then allocate, then look the pieces up.
///
/// Pieces start on 64-byte boundaries and live as long as the arena.
package final class Arena {
    /// A piece of the arena, before and after allocation.
    package struct Piece: Sendable {
        fileprivate let offset: Int
    }

    private var planned = 0
    private var memory: Buffer<UInt8>?

    package init() {}

    /// Plans a piece.
    /// - Parameter bytes: its size.
    package func reserve(bytes: Int) -> Piece {
        precondition(memory == nil, "an arena is planned before it is allocated")
        defer { planned += (bytes + 63) / 64 * 64 }
        return Piece(offset: planned)
    }

    /// The size of all planned pieces in bytes.
    package var bytes: Int { planned }

    /// Takes the memory for all pieces.
    package func allocate() throws(ComputeError) { memory = try Buffer(count: planned) }

    /// The start of a piece.
    package func pointer(_ piece: Piece) -> UnsafeMutableRawPointer {
        guard let memory else { preconditionFailure("the arena was not allocated") }
        return UnsafeMutableRawPointer(memory.base) + piece.offset
    }
}
