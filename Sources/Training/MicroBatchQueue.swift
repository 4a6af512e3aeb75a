import Foundation

/// Loads passes on a thread of its own ahead of the one that computes, a bounded number of them, in order.
///
/// ```swift
/// let queue = MicroBatchQueue(passes) { try MicroBatch.images(of: $0, from: cases) }
/// defer { queue.cancel() }
/// while let batch = try queue.next() { … }
/// ```
///
/// Unchecked because the compiler cannot see that all state is touched with the condition held.
package final class MicroBatchQueue: @unchecked Sendable {
    private let condition = NSCondition()
    private var ready: [Result<MicroBatch, any Error>] = []
    private var cancelled = false
    /// Passes not yet handed out.
    private var left: Int

    /// - Parameters:
    ///   - depth: passes loaded ahead.
    ///   - make: puts a pass together; called on the queue's thread.
    package init(
        _ passes: [[Sample]], depth: Int = 2, make: @escaping @Sendable ([Sample]) throws -> MicroBatch
    ) {
        left = passes.count
        let thread = Thread { [self] in
            for samples in passes {
                guard hasRoom(depth: depth) else { return }
                let result = Result { try make(samples) }
                condition.withLock {
                    ready.append(result)
                    condition.signal()
                }
            }
        }
        thread.name = "cases"
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// Waits for room ahead; false when cancelled.
    private func hasRoom(depth: Int) -> Bool {
        condition.withLock {
            while ready.count >= depth, !cancelled { condition.wait() }
            return !cancelled
        }
    }

    /// The next pass; nil after the last.
    /// - Throws: what loading a case threw.
    package func next() throws -> MicroBatch? {
        let result: Result<MicroBatch, any Error>? = condition.withLock {
            guard left > 0 else { return nil }
            left -= 1
            while ready.isEmpty { condition.wait() }
            condition.signal()
            return ready.removeFirst()
        }
        return try result?.get()
    }

    /// Ends the loading; passes not yet taken are dropped.
    package func cancel() {
        condition.withLock {
            cancelled = true
            condition.signal()
        }
    }
}
