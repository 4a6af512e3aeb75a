/// Waiting times between attempts: full jitter over a bound that doubles from 1 s to 5 min, without end.
package struct Backoff: Sendable {
    private let first: Double
    private let most: Double
    private let random: @Sendable () -> Double
    private let sleep: @Sendable (Duration) async throws -> Void
    private var failures = 0

    /// - Parameters:
    ///   - first: bound of the first wait.
    ///   - most: bound that later waits do not pass.
    ///   - random: uniform in 0..<1.
    ///   - sleep: waits; throws when cancelled.
    package init(
        first: Duration = .seconds(1), most: Duration = .seconds(300),
        random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) },
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.first = first / .seconds(1)
        self.most = most / .seconds(1)
        self.random = random
        self.sleep = sleep
    }

    /// Something moved: the next wait is short again.
    package mutating func reset() { failures = 0 }

    /// The next wait, uniform in 0…bound, and at least what the server asked for (up to an hour).
    /// - Parameter retryAfter: seconds the server asked to wait.
    package mutating func next(retryAfter: Int? = nil) -> Duration {
        var bound = first
        for _ in 0..<min(failures, 64) where bound < most { bound *= 2 }
        failures += 1
        let wait = random() * min(bound, most)
        return .seconds(max(wait, Double(min(retryAfter ?? 0, 3600))))
    }

    /// Waits after a failure, or throws it on when trying again is of no use.
    /// - Parameter report: told of the failure and of the wait that follows.
    package mutating func wait(
        after error: TransportError, report: (TransportError, Duration) -> Void
    ) async throws(TransportError) {
        guard error.isTransient else { throw error }
        let wait = next(retryAfter: error.retryAfter)
        report(error, wait)
        do { try await sleep(wait) } catch { throw .cancelled }
    }

    /// Tries until it succeeds, is cancelled or is refused for good.
    /// - Parameter report: told of every failure and of the wait that follows.
    package func retrying<Value>(
        report: (TransportError, Duration) -> Void = { _, _ in },
        _ attempt: () async throws(TransportError) -> Value
    ) async throws(TransportError) -> Value {
        var waits = self
        while true {
            do {
                return try await attempt()
            } catch {
                try await waits.wait(after: error, report: report)
            }
        }
    }
}
