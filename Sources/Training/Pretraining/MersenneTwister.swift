/// NumPy's `RandomState`: the generator MT19937 (Matsumoto and Nishimura, ACM TOMACS 8, 1998), with the draws that the
/// published pretraining makes of it, bit by bit.
package struct MersenneTwister: Sendable {
    private static let count = 624
    private static let middle = 397
    private var state: [UInt32]
    private var place = Self.count

    /// As `RandomState(seed)`.
    package init(seed: UInt32) {
        state = [UInt32](repeating: seed, count: Self.count)
        for i in 1..<Self.count {
            let last = state[i - 1]
            state[i] = 1_812_433_253 &* (last ^ (last >> 30)) &+ UInt32(i)
        }
    }

    private mutating func refill() {
        func twist(_ high: UInt32, _ low: UInt32) -> UInt32 {
            let y = (high & 0x8000_0000) | (low & 0x7fff_ffff)
            return (y >> 1) ^ (y & 1 == 0 ? 0 : 0x9908_b0df)
        }
        for i in 0..<Self.count {
            state[i] = state[(i + Self.middle) % Self.count] ^ twist(state[i], state[(i + 1) % Self.count])
        }
        place = 0
    }

    /// 32 random bits.
    package mutating func next() -> UInt32 {
        if place == Self.count { refill() }
        var y = state[place]
        place += 1
        y ^= y >> 11
        y ^= (y << 7) & 0x9d2c_5680
        y ^= (y << 15) & 0xefc6_0000
        return y ^ (y >> 18)
    }

    /// As `rand()`: 0..<1, 53 bits.
    package mutating func unit() -> Double {
        let high = Double(next() >> 5)
        let low = Double(next() >> 6)
        return (high * 67_108_864 + low) / 9_007_199_254_740_992
    }

    /// As `randint(0, bound)`: 0..<bound, by rejection under a mask; a bound of 1 draws nothing.
    package mutating func integer(below bound: Int) -> Int {
        precondition((1...(1 << 31)).contains(bound), "a bound of \(bound)")
        let most = UInt32(bound - 1)
        guard most > 0 else { return 0 }
        let mask = UInt32.max >> UInt32(most.leadingZeroBitCount)
        while true {
            let drawn = next() & mask
            if drawn <= most { return Int(drawn) }
        }
    }
}
