import Synchronization

/// Tells those who wait that the state has changed; what has changed they see for themselves.
package final class Changes: Sendable {
    private struct Waiting {
        var version = 0
        var next = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    private let waiting = Mutex(Waiting())

    package init() {}

    /// Rises with each change. Read it before the state: then no change is missed.
    package var version: Int { waiting.withLock { $0.version } }

    /// Wakes all who wait.
    package func announce() {
        let waiters = waiting.withLock { waiting in
            waiting.version += 1
            defer { waiting.waiters = [:] }
            return waiting.waiters.values
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when there was a change after `version`, when the time is over, or when the task is cancelled.
    package func wait(past version: Int, atMost time: Duration) async {
        await withTaskGroup { group in
            group.addTask { await self.next(past: version) }
            group.addTask { try? await Task.sleep(for: time) }
            await group.next()
            group.cancelAll()
        }
    }

    /// Returns when there was a change after `version`, or when the task is cancelled.
    package func next(past version: Int) async {
        let number = waiting.withLock { waiting in
            waiting.next += 1
            return waiting.next
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = waiting.withLock { waiting in
                    if waiting.version > version || Task.isCancelled { return true }
                    waiting.waiters[number] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            waiting.withLock { $0.waiters.removeValue(forKey: number) }?.resume()
        }
    }
}
