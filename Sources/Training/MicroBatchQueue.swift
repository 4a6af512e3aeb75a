import Foundation

/// Loads passes on a thread of its own ahead of the one that computes, a bounded number of them, in order.
///
/// ```swift
/// let queue = MicroBatchQueue(passes, from: cases)
/// defer { queue.cancel() }
/// while let batch = try queue.next() { … }
/// ```
///
/// Unchecked because the compiler cannot see that all state is touched with the condition held.
package final class MicroBatchQueue: @unchecked Sendable {
    private let condition = NSCondition()
    private var ready: [Result<MicroBatch, any Error>] = []
    private var spare: [[Float]] = []
    private var cancelled = false
    /// Passes not yet handed out.
    private var left: Int

    /// - Parameter depth: passes loaded ahead.
    package init(_ passes: [[Sample]], from cases: FitCases, depth: Int = 2) {
        left = passes.count
        let thread = Thread { [self] in
            for samples in passes {
                guard let memory = memory(depth: depth) else { return }
                let result = Result { try MicroBatch.images(of: samples, from: cases, reusing: memory) }
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

    /// Waits for room ahead; nil when cancelled.
    private func memory(depth: Int) -> [Float]? {
        condition.withLock {
            while ready.count >= depth, !cancelled { condition.wait() }
            return cancelled ? nil : spare.popLast() ?? []
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

    /// Gives the memory of a pass back for one to come.
    package func recycle(_ batch: consuming MicroBatch) {
        guard case .images(let images) = batch.content, batch.samples.count > 1 else { return }
        condition.withLock { spare.append(images) }
    }

    /// Ends the loading; passes not yet taken are dropped.
    package func cancel() {
        condition.withLock {
            cancelled = true
            condition.signal()
        }
    }
}
