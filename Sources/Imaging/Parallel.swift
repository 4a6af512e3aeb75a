import Dispatch
import Synchronization

/// Runs `body` for 0..<count on at most `threads` threads and returns when all are done.
///
/// Which thread takes which index is left to chance; bodies write only to places of their own index, so results do not
/// depend on it.
func inParallel(_ count: Int, threads: Int, _ body: @Sendable (Int) -> Void) {
    guard count > 1, threads > 1 else {
        for index in 0..<count { body(index) }
        return
    }
    let next = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: min(count, threads)) { _ in
        while true {
            let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
            if index >= count { return }
            body(index)
        }
    }
}

/// The results of `body` for 0..<count in order; of several errors, the one with the lowest index.
package func mapInParallel<Result: Sendable>(
    _ count: Int, threads: Int, _ body: @Sendable (Int) throws -> Result
) throws -> [Result] {
    let results = Mutex<[Int: Swift.Result<Result, any Error>]>([:])
    inParallel(count, threads: threads) { index in
        let result = Swift.Result { try body(index) }
        results.withLock { $0[index] = result }
    }
    return try results.withLock { found in
        try (0..<count).compactMap { try found[$0]?.get() }
    }
}
