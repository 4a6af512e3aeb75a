/// For every output position along one axis, which input positions it gathers and with what weights.
struct AxisWindows: Sendable, Equatable {
    /// First input position of each output.
    private(set) var starts: [Int] = []
    /// Number of input positions of each output; 0 where nothing is gathered.
    private(set) var counts: [Int] = []
    /// Where each output's weights start in `weights`.
    private(set) var firsts: [Int] = []
    private(set) var weights: [Float] = []
    /// What each gathered sum is divided by.
    private(set) var divisors: [Float] = []

    /// Number of outputs.
    var outputs: Int { starts.count }

    /// The input positions that any output uses.
    var used: Range<Int> {
        var low = Int.max
        var high = 0
        for output in starts.indices where counts[output] > 0 {
            low = min(low, starts[output])
            high = max(high, starts[output] + counts[output])
        }
        return low < high ? low..<high : 0..<0
    }

    private mutating func add(start: Int, weights new: [Float], divisor: Float) {
        starts.append(start)
        counts.append(new.count)
        firsts.append(weights.count)
        weights += new
        divisors.append(divisor)
    }

    /// Adaptive average pooling (LAMIM.md §5): output i of m averages inputs ⌊i·n/m⌋ ..< ⌈(i+1)·n/m⌉ with equal
    /// weights; also when m exceeds n.
    static func adaptive(_ n: Int, to m: Int) -> AxisWindows {
        var windows = AxisWindows()
        for i in 0..<m {
            let start = i * n / m
            let end = ((i + 1) * n + m - 1) / m
            windows.add(
                start: start, weights: [Float](repeating: 1, count: end - start), divisor: Float(end - start))
        }
        return windows
    }

    /// Outputs that each cover `step` inputs, the first from `origin` on, in edges (input i covers i…i+1).
    ///
    /// Where a step covers more than one input they are averaged by the part of each that is covered, so nothing
    /// aliases; where it covers less, the two inputs nearest to its centre are interpolated. Inputs outside `kept`
    /// count as 0.
    static func footprint(kept: Range<Int>, outputs: Int, origin: Double, step: Double) -> AxisWindows {
        var windows = AxisWindows()
        for output in 0..<outputs {
            let low = origin + Double(output) * step
            let high = low + step
            if step > 1 {
                let first = max(kept.lowerBound, Int(low.rounded(.down)))
                let last = min(kept.upperBound, Int(high.rounded(.up)))
                let shares = (first..<max(first, last)).map { input in
                    Float(max(0, min(high, Double(input + 1)) - max(low, Double(input))) / step)
                }
                windows.add(start: first, weights: shares, divisor: 1)
            } else {
                let centre = (low + high) / 2 - 0.5
                guard centre >= Double(kept.lowerBound) - 0.5, centre <= Double(kept.upperBound) - 0.5 else {
                    windows.add(start: kept.lowerBound, weights: [], divisor: 1)
                    continue
                }
                let at = min(max(centre, Double(kept.lowerBound)), Double(kept.upperBound - 1))
                let first = Int(at.rounded(.down))
                let part = Float(at - Double(first))
                windows.add(start: first, weights: part > 0 ? [1 - part, part] : [1], divisor: 1)
            }
        }
        return windows
    }

    /// The same sums where all inputs outside `range` are known to be 0.
    func clipped(to range: Range<Int>) -> AxisWindows {
        var windows = AxisWindows()
        for output in starts.indices {
            let low = max(starts[output], range.lowerBound)
            let high = min(starts[output] + counts[output], range.upperBound)
            let from = firsts[output] + low - starts[output]
            windows.add(
                start: low < high ? low : range.lowerBound,
                weights: low < high ? Array(weights[from..<from + high - low]) : [], divisor: divisors[output])
        }
        return windows
    }

    /// The same outputs of an axis of `n` inputs that is stored the other way round.
    func mirrored(_ n: Int) -> AxisWindows {
        var windows = AxisWindows()
        for output in starts.indices {
            let own = weights[firsts[output]..<firsts[output] + counts[output]]
            windows.add(
                start: counts[output] == 0 ? 0 : n - starts[output] - counts[output],
                weights: own.reversed(), divisor: divisors[output])
        }
        return windows
    }
}
