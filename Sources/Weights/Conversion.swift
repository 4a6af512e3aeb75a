/// Widens floating-point elements to `Float`; doubles are rounded to nearest.
/// - Parameters:
///   - bytes: `values.count` elements of `type`, a floating-point type.
///   - values: filled entirely.
func widen(_ bytes: UnsafeRawBufferPointer, _ type: TensorType, into values: UnsafeMutableBufferPointer<Float>) {
    precondition(type.isFloatingPoint && bytes.count == values.count * type.size, "elements do not fit the buffer")
    switch type {
    case .bfloat16:
        for i in 0..<values.count {
            values[i] = BFloat16.value(of: bytes.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self))
        }
    case .float16:
        for i in 0..<values.count {
            values[i] = Float16Bits.value(of: bytes.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self))
        }
    case .float64:
        for i in 0..<values.count {
            values[i] = Float(bytes.loadUnaligned(fromByteOffset: 8 * i, as: Double.self))
        }
    default:
        UnsafeMutableRawBufferPointer(values).copyMemory(from: bytes)
    }
}

/// Narrows `Float` to a floating-point type, rounding to nearest, ties to even.
/// - Parameters:
///   - values: the numbers.
///   - type: a floating-point type.
///   - bytes: `values.count` elements of `type`, filled entirely.
func narrow(_ values: UnsafeBufferPointer<Float>, _ type: TensorType, into bytes: UnsafeMutableRawBufferPointer) {
    precondition(type.isFloatingPoint && bytes.count == values.count * type.size, "elements do not fit the buffer")
    switch type {
    case .bfloat16:
        for i in 0..<values.count {
            bytes.storeBytes(of: BFloat16.bits(of: values[i]), toByteOffset: 2 * i, as: UInt16.self)
        }
    case .float16:
        for i in 0..<values.count {
            bytes.storeBytes(of: Float16Bits.bits(of: values[i]), toByteOffset: 2 * i, as: UInt16.self)
        }
    case .float64:
        for i in 0..<values.count {
            bytes.storeBytes(of: Double(values[i]), toByteOffset: 8 * i, as: Double.self)
        }
    default:
        bytes.copyMemory(from: UnsafeRawBufferPointer(values))
    }
}

/// Whether every value is finite.
func allFinite(_ values: UnsafeBufferPointer<Float>) -> Bool {
    // The largest magnitude as an integer: one branch-free pass the compiler vectorises.
    var largest: UInt32 = 0
    for value in values { largest = max(largest, value.bitPattern & 0x7fff_ffff) }
    return largest < 0x7f80_0000
}

/// Whether every element is finite; true for types that are always finite.
func allFinite(_ bytes: UnsafeRawBufferPointer, _ type: TensorType) -> Bool {
    func largest<Bits: FixedWidthInteger & UnsignedInteger>(_: Bits.Type) -> Bits {
        var largest: Bits = 0
        for i in 0..<(bytes.count / type.size) {
            largest = max(largest, bytes.loadUnaligned(fromByteOffset: i * type.size, as: Bits.self) & (Bits.max >> 1))
        }
        return largest
    }
    switch type {
    case .float64: return largest(UInt64.self) < Double.infinity.bitPattern
    case .float32: return largest(UInt32.self) < Float.infinity.bitPattern
    case .float16: return largest(UInt16.self) < 0x7c00
    case .bfloat16: return largest(UInt16.self) < 0x7f80
    case .int64, .int32, .int16, .int8, .uint8, .bool: return true
    }
}
