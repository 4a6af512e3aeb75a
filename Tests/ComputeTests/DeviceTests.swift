import CKernels
import CMathBackends
import Compute
import Foundation
import Testing

/// Products of each library against sums in double precision, over a grid of shapes.
@Suite struct DeviceTests {
    static let shapes = [
        (1, 1, 1), (1, 7, 3), (5, 1, 9), (3, 65, 17), (64, 64, 64), (216, 96, 33), (7, 130, 200), (130, 7, 200),
        (216, 513, 64), (200, 210, 220),
    ]

    private func numbers(_ count: Int, _ seed: Int) -> [Float] {
        (0..<max(count, 1)).map { Float(($0 &* 7919 &+ seed &* 104_729) % 257 - 128) / 64 }
    }

    @Test("fp32 products agree with double precision", arguments: MathLibrary.allCases, [1, 2, 3])
    func singlePrecision(library: MathLibrary, threads: Int) throws {
        let device = try Device(precision: .fp32, threads: threads, library: library)
        for (m, n, k) in Self.shapes {
            let a = numbers(m * k, 1)
            let b = numbers(n * k, 2)
            for (transposeA, transposeB) in [(false, true), (false, false), (true, false)] {
                for accumulate in [false, true] {
                    var c = [Float](repeating: 1, count: m * n)
                    try Matrix.lending(a, width: transposeA ? m : k) { a in
                        try Matrix.lending(b, width: transposeB ? k : n) { b in
                            try device.multiply(
                                transposeA ? a.transposed : a, transposeB ? b.transposed : b, into: &c, m: m, n: n,
                                k: k, accumulate: accumulate)
                        }
                    }
                    var worst = 0.0
                    for i in 0..<m {
                        for j in 0..<n {
                            var sum = accumulate ? 1.0 : 0.0
                            for q in 0..<k {
                                sum +=
                                    Double(a[transposeA ? q * m + i : i * k + q])
                                    * Double(b[transposeB ? j * k + q : q * n + j])
                            }
                            worst = max(worst, abs(sum - Double(c[i * n + j])))
                        }
                    }
                    #expect(worst < 1e-3, "(\(m), \(n), \(k)) \(transposeA) \(transposeB) \(accumulate)")
                }
            }
        }
    }

    @Test("with both libraries wide products are OpenBLAS's and narrow ones oneDNN's", arguments: [64, 200])
    func both(edge: Int) throws {
        let a = numbers(edge * edge, 1)
        let b = numbers(edge * edge, 2).map { $0 / 3 }
        let results = try MathLibrary.allCases.map { library in
            let device = try Device(precision: .fp32, threads: 1, library: library)
            var c = [Float](repeating: 0, count: edge * edge)
            try Matrix.lending(a, width: edge) { a in
                try Matrix.lending(b, width: edge) { b in
                    try device.multiply(a, b, into: &c, m: edge, n: edge, k: edge)
                }
            }
            return (library, c)
        }
        let of = Dictionary(uniqueKeysWithValues: results)
        #expect(of[.both] == of[edge == 64 ? .oneDNN : .openBLAS])
    }

    @Test("what libraries are told by the environment when they are loaded is not left there")
    func environment() throws {
        _ = try Device(precision: .fp32, threads: 1, library: .both)
        let began = try String(contentsOfFile: "/proc/self/environ", encoding: .utf8).split(separator: "\0")
        for name in ["OMP_NUM_THREADS", "OMP_WAIT_POLICY", "OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE"] {
            let before = began.first { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.count + 1)) }
            #expect(ProcessInfo.processInfo.environment[name] == before, "\(name)")
        }
    }

    @Test("the suited precision and library are those of the processor that the kernel describes")
    func suited() throws {
        let text = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
        func words(_ key: String) -> [Substring] {
            text.split(separator: "\n").first { $0.hasPrefix(key) }?.split(whereSeparator: { " \t:".contains($0) })
                ?? []
        }
        let flags = words("flags")
        let isFaster =
            flags.contains("avx512_bf16")
            && (flags.contains("amx_bf16") || !words("vendor_id").contains("GenuineIntel"))
        #expect(Precision.suited == (isFaster ? .bf16 : .fp32))
        let library: MathLibrary =
            flags.contains("avx512f") ? .oneDNN : flags.contains("avx2") ? .both : .openBLAS
        #expect(try MathLibrary.suited(to: .fp32) == library)
        _ = try Device(precision: .suited)
    }

    @Test("bf16 products are exact sums of rounded numbers", .enabled(if: ck_has_bf16_products() != 0))
    func bfloat16() throws {
        let device = try Device(precision: .bf16, threads: 2)
        for (m, n, k) in Self.shapes {
            // Small multiples of 1/64 are exact in bfloat16.
            let a = numbers(m * k, 1)
            let b = numbers(n * k, 2)
            var (ah, bh) = ([UInt16](repeating: 0, count: a.count), [UInt16](repeating: 0, count: b.count))
            ck_to_half(device.team, a, &ah, a.count)
            ck_to_half(device.team, b, &bh, b.count)
            var c = [Float](repeating: 0, count: m * n)
            try Matrix.lending(ah, width: k) { a in
                try Matrix.lending(bh, width: k) { b in
                    try device.multiply(a, b.transposed, into: &c, m: m, n: n, k: k)
                }
            }
            let packed = try PackedMatrix(device, weight: bh, m: m, n: n, k: k, halfResult: false)
            var p = [Float](repeating: 0, count: m * n)
            try packed.multiply(ah, into: &p)
            for i in stride(from: 0, to: m, by: max(m / 3, 1)) {
                for j in 0..<n {
                    var sum = 0.0
                    for q in 0..<k { sum += Double(a[i * k + q]) * Double(b[j * k + q]) }
                    #expect(abs(Double(c[i * n + j]) - sum) < 1e-3)
                    #expect(abs(Double(p[i * n + j]) - sum) < 1e-3)
                }
            }
        }
    }

    @Test("attention and its gradient agree with double precision", arguments: MathLibrary.allCases)
    func attention(library: MathLibrary) throws {
        let device = try Device(precision: .fp32, threads: 2, library: library)
        let (batch, tokens, heads, depth) = (2, 5, 3, 4)
        let width = heads * depth
        let qkv = numbers(batch * tokens * 3 * width, 3)
        let dO = numbers(batch * tokens * width, 4)
        func forward(_ qkv: [Double]) -> [Double] {
            var out = [Double](repeating: 0, count: batch * tokens * width)
            for s in 0..<batch {
                for h in 0..<heads {
                    func at(_ t: Int, _ part: Int, _ d: Int) -> Double {
                        qkv[(s * tokens + t) * 3 * width + part * width + h * depth + d]
                    }
                    for i in 0..<tokens {
                        let scores = (0..<tokens).map { j in
                            (0..<depth).reduce(0.0) { $0 + at(i, 0, $1) * at(j, 1, $1) } / Double(depth).squareRoot()
                        }
                        let e = scores.map { exp($0 - (scores.max() ?? 0)) }
                        let sum = e.reduce(0, +)
                        for d in 0..<depth {
                            out[(s * tokens + i) * width + h * depth + d] = (0..<tokens).reduce(0.0) {
                                $0 + e[$1] / sum * at($1, 2, d)
                            }
                        }
                    }
                }
            }
            return out
        }
        var p = [Float](repeating: 0, count: batch * heads * tokens * tokens)
        var o = [Float](repeating: 0, count: batch * tokens * width)
        var dqkv = [Float](repeating: 0, count: qkv.count)
        try qkv.withUnsafeBytes { qkv in
            try p.withUnsafeMutableBytes { p in
                try o.withUnsafeMutableBytes { o in
                    let attention = mb_attention(
                        batch: batch, tokens: tokens, heads: heads, depth: depth, type: MB_F32, qkv: qkv.baseAddress,
                        p: p.baseAddress, o: o.baseAddress)
                    try device.attend(attention)
                    try device.attendBackward(
                        attention, outputGradient: dO, qkvGradient: &dqkv, probabilityGradient: nil)
                }
            }
        }
        let exact = qkv.map { Double($0) }
        for (value, expected) in zip(o, forward(exact)) { #expect(abs(Double(value) - expected) < 1e-5) }
        for i in stride(from: 0, to: qkv.count, by: 7) {
            func loss(_ shift: Double) -> Double {
                var moved = exact
                moved[i] += shift
                return zip(forward(moved), dO).reduce(0) { $0 + $1.0 * Double($1.1) }
            }
            let slope = (loss(1e-6) - loss(-1e-6)) / 2e-6
            #expect(abs(Double(dqkv[i]) - slope) < 1e-3 * max(1, abs(slope)))
        }
    }

    @Test("the same product gives the same bytes on every run")
    func sameBytes() throws {
        let (m, n, k) = (216, 300, 500)
        let a = numbers(m * k, 1).map { $0 * 1.001 }
        let b = numbers(n * k, 2).map { $0 * 0.999 }
        var seen: Set<[Float]> = []
        for _ in 0..<3 {
            let device = try Device(precision: .fp32, threads: 2)
            var c = [Float](repeating: 0, count: m * n)
            try Matrix.lending(a, width: k) { a in
                try Matrix.lending(b, width: k) { b in
                    try device.multiply(a, b.transposed, into: &c, m: m, n: n, k: k)
                }
            }
            seen.insert(c)
        }
        #expect(seen.count == 1)
    }

    @Test("threads outside 1…256 are refused by number", arguments: [0, -1, 257])
    func threads(count: Int) {
        #expect(throws: ComputeError.self) { try Device(precision: .fp32, threads: count) }
    }

    @Test("a request beyond all memory is refused in a sentence")
    func memory() {
        #expect {
            _ = try Buffer<Float>(count: 1 << 60)
        } throws: { ($0 as? ComputeError)?.code == .outOfMemory }
    }
}
