import CAggregation
import Testing
import Weights

/// The kernels of every level against plain loops in double, bit for bit: lengths 0…65, misaligned, not finite.
@Suite struct FoldKernelTests {
    static let levels: [ca_level] = [CA_SCALAR, CA_AVX2, CA_AVX512].filter { $0.rawValue <= ca_best_level().rawValue }
    static let lengths = Array(0...65) + [1023, 4097]

    /// Encoded numbers, one byte into their memory.
    private struct Encoded {
        let bytes: [UInt8]
        let values: [Float]

        init(_ values: [Float], _ encoding: ca_encoding) {
            if encoding == CA_BF16 {
                let halves = values.map(BFloat16.bits)
                self.values = halves.map(BFloat16.value)
                bytes = [0] + halves.withUnsafeBytes { Array($0) }
            } else {
                self.values = values
                bytes = [0] + values.withUnsafeBytes { Array($0) }
            }
        }
    }

    private func each(_ body: (ca_level, ca_encoding, Int) throws -> Void) rethrows {
        for level in Self.levels {
            for encoding in [CA_F32, CA_BF16] {
                for count in Self.lengths { try body(level, encoding, count) }
            }
        }
    }

    @Test("the fold is the sum in double in order, divided once, at every level to the last bit")
    func fold() {
        let weights = [17.0, 536_870_911, 1, 250 * 0.7317]
        let total = 536_871_179.0
        each { level, encoding, count in
            let base = UpdateFolder.numbers(count, seed: count)
            let deltas = weights.indices.map {
                Encoded(UpdateFolder.numbers(count, seed: 9 + $0, scale: 0.1), encoding)
            }
            var out = [Float](repeating: 9, count: count + 1)
            _ = withPointers(deltas.map(\.bytes)) { pointers in
                ca_fold(level, encoding, base, pointers, weights, weights.count, total, &out, count)
            }
            let expected = base.indices.map { i in
                var sum = 0.0
                for (weight, delta) in zip(weights, deltas) {
                    let product = weight * Double(delta.values[i])
                    sum += product
                }
                return Float(Double(base[i]) + sum / total)
            }
            #expect(Array(out[..<count]).map(\.bitPattern) == expected.map(\.bitPattern))
            #expect(out[count] == 9)
        }
    }

    @Test("products are rounded before they are added: two that cancel leave nothing")
    func notFused() {
        for level in Self.levels {
            let values = UpdateFolder.numbers(129, seed: 5)
            let deltas = [values, values.map { -$0 }].map { [0] + $0.withUnsafeBytes { Array($0) } }
            var out = [Float](repeating: 9, count: values.count)
            _ = withPointers(deltas) { pointers in
                let zeros = [Float](repeating: 0, count: values.count)
                return ca_fold(level, CA_F32, zeros, pointers, [250 * 0.7317, 250 * 0.7317], 2, 3, &out, values.count)
            }
            #expect(out.allSatisfy { $0 == 0 })
        }
    }

    @Test("a result that is not finite is reported wherever it stands")
    func foldNotFinite() {
        for level in Self.levels {
            for count in [1, 16, 65] {
                for place in [0, count - 1] {
                    var delta = [Float](repeating: 1, count: count)
                    for (value, finite) in [(Float.nan, false), (.infinity, false), (-.infinity, false), (2, true)] {
                        delta[place] = value
                        var out = [Float](repeating: 0, count: count)
                        let bytes = [0] + delta.withUnsafeBytes { Array($0) }
                        let largest = withPointers([bytes]) { pointers in
                            ca_fold(
                                level, CA_F32, [Float](repeating: 1, count: count), pointers, [1], 1, 1, &out, count)
                        }
                        #expect((largest < Float.infinity.bitPattern) == finite)
                    }
                }
            }
        }
    }

    @Test("squares are summed in sixteen lanes at every level to the last bit")
    func squares() {
        for level in Self.levels {
            for encoding in [CA_F32, CA_BF16] {
                for groups in 0...9 {
                    let numbers = Encoded(UpdateFolder.numbers(16 * groups, seed: groups, scale: 1e3), encoding)
                    var sums = (0..<16).map { Double($0) / 3 }
                    var expected = sums
                    let largest = numbers.bytes.withUnsafeBytes {
                        ca_squares(level, encoding, $0.baseAddress.map { $0 + 1 }, groups, &sums)
                    }
                    for (i, value) in numbers.values.enumerated() { expected[i % 16] += Double(value) * Double(value) }
                    #expect(sums == expected)
                    #expect(largest == numbers.values.map { $0.bitPattern & 0x7fff_ffff }.max() ?? 0)
                }
            }
        }
    }

    @Test("a delta is the difference rounded to the encoding, NaN and infinity staying what they are")
    func delta() {
        each { level, encoding, count in
            var local = UpdateFolder.numbers(count, seed: 3)
            for (i, odd) in [Float.nan, .infinity, -.infinity, Float(bitPattern: 0x7f80_0001)].enumerated()
            where i < count { local[count - 1 - i] = odd }
            let base = UpdateFolder.numbers(count, seed: 4)
            let size = encoding == CA_BF16 ? 2 : 4
            var out = [UInt8](repeating: 7, count: count * size + 1)
            ca_delta(level, encoding, local, base, &out, count)
            for i in 0..<count {
                let value = local[i] - base[i]
                let found = out.withUnsafeBytes { bytes in
                    encoding == CA_BF16
                        ? BFloat16.value(of: bytes.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self))
                        : Float(bitPattern: bytes.loadUnaligned(fromByteOffset: 4 * i, as: UInt32.self))
                }
                let expected = encoding == CA_BF16 ? BFloat16.value(of: BFloat16.bits(of: value)) : value
                #expect(found == expected || found.isNaN && expected.isNaN)
            }
            #expect(out[count * size] == 7)
        }
    }

    /// Pointers one byte into each buffer.
    private func withPointers<R>(
        _ buffers: [[UInt8]], _ body: ([UnsafeRawPointer?]) throws -> R
    ) rethrows -> R {
        func next(_ index: Int, _ pointers: [UnsafeRawPointer?]) throws -> R {
            guard index < buffers.count else { return try body(pointers) }
            return try buffers[index].withUnsafeBytes {
                try next(index + 1, pointers + [$0.baseAddress.map { $0 + 1 }])
            }
        }
        return try next(0, [])
    }
}
