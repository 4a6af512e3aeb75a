package import Federation
import GRDB
import Logging

extension Coordinator {
    /// Lets the clocks of rounds run, until the task is cancelled.
    ///
    /// What remains is counted on the monotonic clock and kept every few seconds: neither a changed wall clock nor a stop
    /// ends a round early, and a stop costs its own length at most.
    func runClocks(keepEvery interval: Duration = .seconds(5)) async {
        let clock = ContinuousClock()
        var remaining = await keptClocks()
        var last = clock.now
        var kept = clock.now
        while !Task.isCancelled {
            let version = changes.version
            let running = state.clocks
            let now = clock.now
            let passed = last.duration(to: now)
            last = now
            var next: [RoundClock: Duration] = [:]
            for round in running {
                next[round] = remaining[round].map { $0 - passed } ?? .milliseconds(round.milliseconds)
            }
            let isNew = Set(next.keys) != Set(remaining.keys)
            remaining = next
            for (round, left) in remaining where left <= .zero {
                do { try await perform(.deadline(round)) } catch {
                    logger.error("The deadline of \(round.round) could not be noted: \(error.message)")
                }
            }
            if isNew || (!remaining.isEmpty && kept.duration(to: now) >= interval) {
                await keep(remaining)
                kept = now
            }
            let due = remaining.values.filter { $0 > .zero }.min() ?? .seconds(60)
            let wait = remaining.isEmpty ? .seconds(60) : min(max(due, .milliseconds(10)), interval)
            await changes.wait(past: version, atMost: wait)
        }
        await keep(remaining)
    }

    /// Milliseconds that remain of each running clock, as last kept.
    package func remainingTimes() async throws -> [RoundClock: Int64] {
        let running = state.clocks
        let records = try await store.access { db in try RoundClockRecord.fetchAll(db) }
        return Dictionary(
            running.compactMap { clock in
                records.first { $0.measures(clock) }.map { (clock, $0.remaining) }
            }, uniquingKeysWith: min)
    }

    private func keptClocks() async -> [RoundClock: Duration] {
        do {
            return try await remainingTimes().mapValues { .milliseconds($0) }
        } catch {
            logger.error("What remains of the rounds' time could not be read; it begins anew: \(error)")
            return [:]
        }
    }

    private func keep(_ remaining: [RoundClock: Duration]) async {
        let records = remaining.map { RoundClockRecord($0, remaining: max(0, $1.inMilliseconds)) }
        do {
            try await store.transaction { db in
                try RoundClockRecord.deleteAll(db)
                for record in records { try record.insert(db) }
            }
        } catch {
            logger.error("What remains of the rounds' time could not be kept: \(error)")
        }
    }
}

extension Duration {
    var inMilliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
