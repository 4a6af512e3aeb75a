/// For every output position along one axis, which input positions it gathers and with what weights.
struct AxisWindows: Sendable, Equatable {
    /// First input position of each output.
    private(set) var starts: [Int] = []
    /// Number of input positions of each output; 0 where nothing is gathered.
    private(set) var counts: [Int] = []
    /// Where each output's weights start in `weights`.
    private(set) var firsts: [Int] = []
    private(set) var weights: [Float] = []
    /// What each gathered sum is multiplied by.
    private(set) var scales: [Float] = []

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

    private mutating func add(start: Int, weights new: [Float], scale: Float) {
        starts.append(start)
        counts.append(new.count)
        firsts.append(weights.count)
        weights += new
        scales.append(scale)
    }

    /// Adaptive average pooling (LAMIM.md §5): output i of m averages inputs ⌊i·n/m⌋ ..< ⌈(i+1)·n/m⌉ with equal
    /// weights; also when m exceeds n.
    static func adaptive(_ n: Int, to m: Int) -> AxisWindows {
        var windows = AxisWindows()
        for i in 0..<m {
            let start = i * n / m
            let end = ((i + 1) * n + m - 1) / m
            windows.add(
                start: start, weights: [Float](repeating: 1, count: end - start), scale: 1 / Float(end - start))
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
                windows.add(start: first, weights: shares, scale: 1)
            } else {
                let centre = (low + high) / 2 - 0.5
                guard centre >= Double(kept.lowerBound) - 0.5, centre <= Double(kept.upperBound) - 0.5 else {
                    windows.add(start: kept.lowerBound, weights: [], scale: 1)
                    continue
                }
                let at = min(max(centre, Double(kept.lowerBound)), Double(kept.upperBound - 1))
                let first = Int(at.rounded(.down))
                let part = Float(at - Double(first))
                windows.add(start: first, weights: part > 0 ? [1 - part, part] : [1], scale: 1)
            }
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
                weights: own.reversed(), scale: scales[output])
        }
        return windows
    }
}
