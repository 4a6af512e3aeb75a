import Foundation

extension ParameterStore {
    /// Draws initial values (LAMIM §4): the same for the same seed, in every precision, on every machine.
    /// - Parameter seed: any number; every parameter has a stream of its own, derived from its name.
    package func initialise(seed: UInt64, where include: (Parameter) -> Bool = { _ in true }) {
        for parameter in layout.parameters where include(parameter) {
            var stream = RandomStream(seed: seed, name: parameter.name)
            let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: parameter.count)
            defer { values.deallocate() }
            switch parameter.initial {
            case .zero: values.initialize(repeating: 0)
            case .one: values.initialize(repeating: 1)
            case .uniform(let bound):
                for i in values.indices { values.initializeElement(at: i, to: (2 * stream.unit() - 1) * bound) }
            case .normal(let deviation):
                for i in values.indices { values.initializeElement(at: i, to: stream.normal() * deviation) }
            }
            if let base = values.baseAddress { write(parameter.range, from: base) }
        }
        refreshVectors()
    }
}

/// A stream of random numbers by SplitMix64 (Steele, Lea, Flood 2014), set off by a seed and a name.
package struct RandomStream: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64, name: String) {
        // FNV-1a of the name, then two rounds of mixing, so that neighbouring seeds share nothing.
        let hash = name.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        state = seed
        state = next() ^ hash
        state = next()
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// Uniform in [0, 1), 24 bits.
    package mutating func unit() -> Float { Float(next() >> 40) * 0x1p-24 }

    /// Standard normal, by Box and Muller.
    package mutating func normal() -> Float {
        let radius = (-2 * log(1 - Double(next() >> 11) * 0x1p-53)).squareRoot()
        return Float(radius * cos(2 * Double.pi * Double(next() >> 11) * 0x1p-53))
    }
}
