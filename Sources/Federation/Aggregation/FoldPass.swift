import CAggregation
import Dispatch
import Synchronization
import Weights

/// One pass over the base and the updates, by batches of pieces. While the pieces of a batch are computed, in any order,
/// the batch before it is hashed and written.
final class FoldPass {
    /// Part of one tensor, in elements; a piece lies in one tensor and fits the second-level cache with its updates'.
    private struct Piece {
        let tensor: Int
        let offset: Int
        let count: Int
        /// Where its bytes go in the batch.
        let place: Int
        let size: Int
    }

    private static let pieceElements = 1 << 14
    private static let batchBytes = 8 << 20

    private let fold: Fold
    private let threads: Int
    private let trained: [Bool]
    private let scratch: [Scratch]

    init(_ fold: Fold, threads: Int) {
        self.fold = fold
        self.threads = threads
        let names = Set(fold.layout.entries.map(\.name))
        trained = fold.base.tensors.map { names.contains($0.name) }
        scratch = (0..<threads).map { _ in Scratch(updates: fold.updates.count, elements: Self.pieceElements) }
    }

    /// - Parameter append: takes the model's bytes in order.
    func run(_ append: (UnsafeRawBufferPointer) throws -> Void) throws {
        let buffers = (0..<2).map { _ in
            UnsafeMutableRawBufferPointer.allocate(byteCount: Self.batchBytes, alignment: 64)
        }
        defer { for buffer in buffers { buffer.deallocate() } }
        var ready: UnsafeRawBufferPointer?
        var cursor = Cursor()
        for turn in 0... {
            let batch = nextBatch(&cursor)
            if batch.isEmpty { break }
            let buffer = buffers[turn % 2]
            try run(batch, into: buffer, appending: ready, append)
            ready = UnsafeRawBufferPointer(rebasing: buffer[..<(batch.last.map { $0.place + $0.size } ?? 0)])
        }
        if let ready { try append(ready) }
    }

    /// Computes a batch with all threads, of which the first begins by appending the batch before.
    private func run(
        _ batch: [Piece], into buffer: UnsafeMutableRawBufferPointer, appending ready: UnsafeRawBufferPointer?,
        _ append: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let next = Atomic<Int>(0)
        let failure = Mutex<(any Error)?>(nil)
        onThreads { thread in
            do {
                if thread == 0, let ready { try append(ready) }
                while failure.withLock({ $0 == nil }) {
                    let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                    guard index < batch.count else { return }
                    try compute(batch[index], into: buffer, scratch[thread])
                }
            } catch {
                let problem = error
                failure.withLock { $0 = $0 ?? problem }
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
    }

    private func onThreads(_ body: (_ thread: Int) -> Void) {
        withoutActuallyEscaping(body) { body in
            let lent = Lent(body: body)
            DispatchQueue.concurrentPerform(iterations: threads) { lent.body($0) }
        }
    }

    /// A closure lent to threads for one call. Unchecked: every piece, its place in the batch and a thread's scratch are
    /// touched by one thread only, the writer by the first, and all have finished when the call returns.
    private struct Lent: @unchecked Sendable {
        let body: (Int) -> Void
    }

    private func compute(_ piece: Piece, into buffer: UnsafeMutableRawBufferPointer, _ scratch: Scratch) throws {
        let tensor = fold.base.tensors[piece.tensor]
        let target = UnsafeMutableRawBufferPointer(rebasing: buffer[piece.place..<(piece.place + piece.size)])
        let start = piece.offset * tensor.type.size
        guard trained[piece.tensor] else { return try fold.base.readBytes(tensor.name, into: target, offset: start) }
        // The base's values stand where the model's will.
        try fold.base.readBytes(tensor.name, into: target, offset: start)
        let size = fold.encoding.type.size
        for (update, bytes) in zip(fold.updates, scratch.deltas) {
            try update.readBytes(
                tensor.name, into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<(piece.count * size)]),
                offset: piece.offset * size)
        }
        let values = target.assumingMemoryBound(to: Float.self)
        let largest = fold.weights.withUnsafeBufferPointer { weights in
            scratch.pointers.withUnsafeBufferPointer { deltas in
                ca_fold(
                    fold.level, fold.encoding.kernel, values.baseAddress, deltas.baseAddress, weights.baseAddress,
                    deltas.count, fold.total, values.baseAddress, piece.count)
            }
        }
        guard largest < Float.infinity.bitPattern else {
            throw FoldError(
                .notFinite,
                "The model's tensor \(tensor.name) would hold a value that is not finite; leave out the"
                    + " update with the largest norm.")
        }
    }

    private struct Cursor {
        var tensor = 0
        var offset = 0
    }

    private func nextBatch(_ cursor: inout Cursor) -> [Piece] {
        var pieces: [Piece] = []
        var place = 0
        let tensors = fold.base.tensors
        while cursor.tensor < tensors.count {
            let tensor = tensors[cursor.tensor]
            let count = min(Self.pieceElements, tensor.elements - cursor.offset)
            let size = count * tensor.type.size
            if place + size > Self.batchBytes { break }
            if count > 0 {
                pieces.append(
                    Piece(tensor: cursor.tensor, offset: cursor.offset, count: count, place: place, size: size))
            }
            place += size
            cursor.offset += count
            if cursor.offset == tensor.elements { cursor = Cursor(tensor: cursor.tensor + 1, offset: 0) }
        }
        return pieces
    }

    /// What a thread reads the updates' pieces into.
    private final class Scratch {
        let deltas: [UnsafeMutableRawBufferPointer]
        let pointers: [UnsafeRawPointer?]

        init(updates: Int, elements: Int) {
            deltas = (0..<updates).map { _ in .allocate(byteCount: elements * 4, alignment: 64) }
            pointers = deltas.map { UnsafeRawPointer($0.baseAddress) }
        }

        deinit { for buffer in deltas { buffer.deallocate() } }
    }
}
