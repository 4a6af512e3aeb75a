/// Conversions of the 16-bit floating-point formats, as bit patterns.
package enum BFloat16 {
    /// The bfloat16 nearest to a value, ties to even; not-a-number stays not-a-number.
    @inlinable
    package static func bits(of value: Float) -> UInt16 {
        let bits = value.bitPattern
        if bits & 0x7fff_ffff > 0x7f80_0000 {
            // Truncation could clear a payload of low bits only and leave infinity: set the quiet bit.
            return UInt16(truncatingIfNeeded: bits >> 16) | 0x0040
        }
        let rounding = 0x7fff + ((bits >> 16) & 1)
        return UInt16(truncatingIfNeeded: (bits &+ rounding) >> 16)
    }

    /// The value of a bfloat16, exactly.
    @inlinable
    package static func value(of bits: UInt16) -> Float {
        Float(bitPattern: UInt32(bits) << 16)
    }
}

/// IEEE 754 binary16 as bit patterns, without the processor's support for it.
package enum Float16Bits {
    /// The value of a binary16, exactly.
    package static func value(of bits: UInt16) -> Float {
        let sign = UInt32(bits & 0x8000) << 16
        let exponent = UInt32(bits >> 10) & 0x1f
        let fraction = UInt32(bits & 0x3ff)
        switch exponent {
        case 0:
            // Subnormal: fraction × 2⁻²⁴, which a Float holds exactly.
            let magnitude = Float(fraction) * 0x1p-24
            return Float(bitPattern: magnitude.bitPattern | sign)
        case 31:
            return Float(bitPattern: sign | 0x7f80_0000 | (fraction << 13))
        default:
            return Float(bitPattern: sign | ((exponent + 112) << 23) | (fraction << 13))
        }
    }

    /// The binary16 nearest to a value, ties to even; beyond 65,504 infinite.
    package static func bits(of value: Float) -> UInt16 {
        let bits = value.bitPattern
        let sign = UInt16(truncatingIfNeeded: bits >> 16) & 0x8000
        let magnitude = bits & 0x7fff_ffff
        if magnitude > 0x7f80_0000 { return sign | 0x7e00 }
        if magnitude >= 0x477f_f000 { return sign | 0x7c00 }
        if magnitude < 0x3880_0000 {
            // Below the smallest normal: a whole number of 2⁻²⁴, scaled exactly and rounded ties to even.
            let steps = (Float(bitPattern: magnitude) * 0x1p24).rounded(.toNearestOrEven)
            return sign | UInt16(steps)
        }
        let rounded = magnitude &+ 0xfff &+ ((magnitude >> 13) & 1)
        return sign | UInt16(truncatingIfNeeded: (rounded &- 0x3800_0000) >> 13)
    }
}
