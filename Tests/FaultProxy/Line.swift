import Foundation
import Synchronization

/// What all connections of one proxy share: the faults, the budget of bytes, the counts.
final class Line: Sendable {
    private struct State {
        var faults: Faults
        var counts = FaultProxy.Counts()
        var holeEnds: ContinuousClock.Instant?
        /// When the line is free again for the next byte, up and down.
        var free: [Faults.Direction: ContinuousClock.Instant] = [:]
        /// Bytes since the last cut.
        var sinceCut = 0
        var isStopped = false
        var connections: [ObjectIdentifier: Connection] = [:]
    }

    /// What becomes of a piece.
    enum Passage: Sendable {
        /// So many of its bytes pass.
        case passes(Int)
        /// So many of its bytes pass, then the connection breaks.
        case cut(Int, Faults.Cut.Style)
    }

    private let state: Mutex<State>

    init(_ faults: Faults) { state = Mutex(State(faults: faults)) }

    var faults: Faults { state.withLock { $0.faults } }
    var counts: FaultProxy.Counts { state.withLock { $0.counts } }
    var isStopped: Bool { state.withLock { $0.isStopped } }

    func change(_ faults: Faults) {
        state.withLock {
            $0.faults = faults
            $0.sinceCut = 0
        }
    }

    func hole(for duration: Duration) { state.withLock { $0.holeEnds = .now + duration } }

    func takes() -> Bool {
        state.withLock {
            $0.counts.connections += 1
            return !$0.faults.refuses
        }
    }

    func opensTunnel() { state.withLock { $0.counts.tunnels += 1 } }

    func adds(_ connection: Connection) {
        let stopped = state.withLock {
            $0.connections[ObjectIdentifier(connection)] = connection
            return $0.isStopped
        }
        if stopped { connection.cut() }
    }

    func removes(_ connection: Connection) {
        state.withLock { _ = $0.connections.removeValue(forKey: ObjectIdentifier(connection)) }
    }

    func cutAll() {
        let connections = state.withLock {
            $0.counts.cuts += $0.connections.count
            return Array($0.connections.values)
        }
        for connection in connections { connection.cut() }
    }

    /// - Returns: false when it was stopped before.
    func stop() -> Bool {
        let (first, connections) = state.withLock { state in
            defer { state.isStopped = true }
            return (!state.isStopped, Array(state.connections.values))
        }
        for connection in connections { connection.cut() }
        return first
    }

    /// Waits while nothing passes.
    func waitsOutHole() {
        while state.withLock({
            !$0.isStopped && ($0.faults.isBlackHole || $0.holeEnds.map { $0 > .now } ?? false)
        }) {
            usleep(5000)
        }
    }

    /// Reserves the line for a piece and waits until it has passed.
    func paces(_ count: Int, _ direction: Faults.Direction) {
        let until: ContinuousClock.Instant? = state.withLock {
            guard $0.faults.bytesPerSecond > 0 else { return nil }
            let start = max($0.free[direction] ?? .now, .now)
            let end = start + .seconds(Double(count) / Double($0.faults.bytesPerSecond))
            $0.free[direction] = end
            return end
        }
        if let until { sleep(until) }
    }

    func passage(of count: Int, _ direction: Faults.Direction) -> Passage {
        state.withLock {
            var passing = count
            var style: Faults.Cut.Style?
            if let cut = $0.faults.cut, cut.direction == .both || cut.direction == direction {
                if $0.sinceCut + count >= cut.after {
                    passing = max(0, cut.after - $0.sinceCut)
                    style = cut.style
                    $0.sinceCut = 0
                    $0.counts.cuts += 1
                    if !cut.repeats { $0.faults.cut = nil }
                } else {
                    $0.sinceCut += count
                }
            }
            if direction == .up { $0.counts.up += passing } else { $0.counts.down += passing }
            return style.map { .cut(passing, $0) } ?? .passes(passing)
        }
    }

    func sleep(_ until: ContinuousClock.Instant) {
        while !isStopped {
            let rest = until - .now
            if rest <= .zero { return }
            usleep(useconds_t(min(rest / .microseconds(1), 50_000)))
        }
    }
}
