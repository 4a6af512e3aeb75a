/// Exact percentiles of the foreground in two passes over the lines, without sorting or copying them.
///
/// Floats are counted by the upper half of an integer that orders as they do; the second pass counts by the lower half
/// the few upper halves that hold the wanted ranks. Percentile q of N values is the value at rank q/100·(N−1),
/// interpolated linearly between its neighbours (numpy's default).
struct OrderStatistics {
    private let background: Background
    private var upper = [Int32](repeating: 0, count: 65536)
    /// The wanted ranks, two a percentile, and how far between them.
    private var ranks: [(below: Int, above: Int, part: Double)] = []
    /// For each upper half that holds a wanted rank: how many values lie before it, and its lower halves.
    private var bins: [(upper: UInt32, before: Int, lower: [Int32])] = []

    init(background: Background) { self.background = background }

    /// An integer that orders as the float does.
    @inline(__always)
    private static func key(_ value: Float) -> UInt32 {
        let bits = value.bitPattern
        return bits & 0x8000_0000 == 0 ? bits | 0x8000_0000 : ~bits
    }

    private static func value(_ key: UInt32) -> Float {
        Float(bitPattern: key & 0x8000_0000 == 0 ? ~key : key & 0x7fff_ffff)
    }

    /// First pass.
    @inline(__always)
    mutating func count(_ line: UnsafeMutableBufferPointer<Float>) {
        upper.withUnsafeMutableBufferPointer { upper in
            for value in line where background.differs(value) && value.isFinite {
                upper[Int(OrderStatistics.key(value) >> 16)] += 1
            }
        }
    }

    /// Between the passes: which percentiles, 0…100.
    mutating func choose(_ wanted: [Double]) {
        let total = upper.reduce(0) { $0 + Int($1) }
        guard total > 0 else { return }
        ranks = wanted.map { percentile in
            let rank = percentile / 100 * Double(total - 1)
            let below = min(max(0, Int(rank.rounded(.down))), total - 1)
            return (below, min(below + 1, total - 1), rank - Double(below))
        }
        let needed = Set(ranks.flatMap { [$0.below, $0.above] }).sorted()
        var before = 0
        var next = 0
        for (bin, count) in upper.enumerated() where next < needed.count {
            if needed[next] < before + Int(count) {
                bins.append((UInt32(bin), before, [Int32](repeating: 0, count: 65536)))
                while next < needed.count && needed[next] < before + Int(count) { next += 1 }
            }
            before += Int(count)
        }
    }

    /// Second pass.
    @inline(__always)
    mutating func refine(_ line: UnsafeMutableBufferPointer<Float>) {
        for index in bins.indices {
            let wanted = bins[index].upper
            bins[index].lower.withUnsafeMutableBufferPointer { lower in
                for value in line {
                    let key = OrderStatistics.key(value)
                    if key >> 16 == wanted && background.differs(value) && value.isFinite {
                        lower[Int(key & 0xffff)] += 1
                    }
                }
            }
        }
    }

    /// The percentiles chosen, or none when no value was counted.
    var values: [Float] {
        ranks.map { rank in
            let low = Double(value(atRank: rank.below))
            let high = Double(value(atRank: rank.above))
            return Float(low + (high - low) * rank.part)
        }
    }

    private func value(atRank rank: Int) -> Float {
        guard let bin = bins.last(where: { $0.before <= rank }) else { return background.value }
        var left = rank - bin.before
        for (lower, count) in bin.lower.enumerated() {
            if left < Int(count) { return OrderStatistics.value(bin.upper << 16 | UInt32(lower)) }
            left -= Int(count)
        }
        return background.value
    }
}
