import Testing
import Weights

@Suite struct HalfPrecisionTests {
    @Test("bfloat16 rounds to nearest, ties to even, and widens exactly")
    func bfloat16() {
        let cases: [(UInt32, UInt16)] = [
            (0x3f80_0000, 0x3f80), (0x3f80_7fff, 0x3f80), (0x3f80_8000, 0x3f80), (0x3f80_8001, 0x3f81),
            (0x3f81_8000, 0x3f82), (0xbf81_8000, 0xbf82), (0x7f7f_ffff, 0x7f80), (0x7f80_0000, 0x7f80),
            (0x0000_0001, 0x0000), (0x8000_0000, 0x8000), (0x0000_ffff, 0x0001),
        ]
        for (bits, expected) in cases {
            #expect(BFloat16.bits(of: Float(bitPattern: bits)) == expected, "\(bits)")
        }
        // A payload of low bits only, and one whose rounding would carry into the sign.
        for bits: UInt32 in [0x7f80_0001, 0xff80_0001, 0x7fff_ffff, 0xffff_ffff] {
            #expect(BFloat16.value(of: BFloat16.bits(of: Float(bitPattern: bits))).isNaN)
        }
        for bits in UInt16.min...UInt16.max where !BFloat16.value(of: bits).isNaN {
            #expect(BFloat16.bits(of: BFloat16.value(of: bits)) == bits)
        }
    }

    // Float16 of the standard library is an independent implementation of the same format.
    @Test("all binary16 patterns widen as the standard library widens them, and narrow back")
    func binary16() {
        for bits in UInt16.min...UInt16.max {
            let expected = Float(Float16(bitPattern: bits))
            let value = Float16Bits.value(of: bits)
            if expected.isNaN {
                #expect(value.isNaN)
                #expect(Float16(bitPattern: Float16Bits.bits(of: value)).isNaN)
            } else {
                #expect(value.bitPattern == expected.bitPattern)
                #expect(Float16Bits.bits(of: value) == bits)
            }
        }
    }

    @Test("Float narrows to binary16 as the standard library narrows it")
    func narrowing() {
        var state: UInt64 = 1
        for number in 0..<2_000_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            // Half of the patterns near the range of binary16, where rounding, subnormals and overflow happen.
            var bits = UInt32(truncatingIfNeeded: state >> 32)
            if number % 2 == 0 { bits = bits & 0x80ff_ffff | (0x32 + UInt32(state >> 8 & 15)) << 24 }
            let value = Float(bitPattern: bits)
            guard !value.isNaN else { continue }
            if Float16Bits.bits(of: value) != Float16(value).bitPattern { Issue.record("\(value)") }
        }
    }
}
