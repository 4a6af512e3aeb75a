/// A stream of random numbers computed from a key and a counter: the n-th number depends on these two alone, so streams
/// made for a case give the same numbers whichever thread asks, and in whatever order the cases are made.
///
/// The mixing function is the finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
struct RandomStream: Sendable {
    private let key: UInt64
    private var counter: UInt64 = 0

    init(seed: UInt64) {
        key = Self.mix(seed &+ 0x9e37_79b9_7f4a_7c15)
    }

    /// An independent stream for a purpose, and for the `index`-th thing of that purpose.
    func fork(_ purpose: StaticString, _ index: Int = 0) -> RandomStream {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in UnsafeBufferPointer(start: purpose.utf8Start, count: purpose.utf8CodeUnitCount) {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        return RandomStream(seed: Self.mix(key ^ hash) &+ UInt64(bitPattern: Int64(index)))
    }

    /// The next 64 random bits.
    mutating func next() -> UInt64 {
        counter &+= 1
        return bits(at: counter)
    }

    /// The bits at a place of the stream, without moving it.
    @inline(__always)
    func bits(at index: UInt64) -> UInt64 {
        Self.mix(key &+ index &* 0x9e37_79b9_7f4a_7c15)
    }

    /// A number in 0..<1 with 53 random bits.
    mutating func uniform() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// A number in the given range, its upper end excluded.
    mutating func uniform(_ low: Double, _ high: Double) -> Double {
        low + (high - low) * uniform()
    }

    /// True with the given probability.
    mutating func chance(_ probability: Double) -> Bool {
        uniform() < probability
    }

    /// A whole number in 0..<count.
    mutating func below(_ count: Int) -> Int {
        min(Int(uniform() * Double(count)), count - 1)
    }

    /// One of the elements; the list must not be empty.
    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[below(elements.count)]
    }

    /// A number of mean 0 and variance 1, near to normal: the sum of twelve uniforms, which needs no logarithm of the C
    /// library and so is the same on every machine. It never leaves ±6.
    mutating func normal() -> Double {
        var sum = -6.0
        for _ in 0..<12 { sum += uniform() }
        return sum
    }

    /// A near-normal number of the given mean and deviation, pressed into a range.
    mutating func normal(mean: Double, deviation: Double, in range: ClosedRange<Double>) -> Double {
        min(max(mean + deviation * normal(), range.lowerBound), range.upperBound)
    }

    /// A direction, uniform on the sphere (rejection from the cube).
    mutating func direction() -> SIMD3<Float> {
        while true {
            let v = SIMD3<Float>(Float(uniform(-1, 1)), Float(uniform(-1, 1)), Float(uniform(-1, 1)))
            let square = (v * v).sum()
            if square > 0.01 && square < 1 { return v / square.squareRoot() }
        }
    }

    /// The elements in a random order (Fisher and Yates).
    mutating func shuffled<Element>(_ elements: [Element]) -> [Element] {
        var result = elements
        for i in stride(from: result.count - 1, to: 0, by: -1) { result.swapAt(i, below(i + 1)) }
        return result
    }

    /// Mixes 64 bits so that every input bit changes each output bit half of the time.
    @inline(__always)
    static func mix(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
