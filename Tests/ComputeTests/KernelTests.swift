import CKernels
import Foundation
import Testing

/// Kernels against formulas in double precision, at every level this processor has, for lengths 0…65, misaligned, and
/// with numbers that are not finite.
@Suite struct KernelTests {
    static let levels: [ck_level] = [CK_SCALAR, CK_AVX2, CK_AVX512].filter { $0.rawValue <= ck_best_level().rawValue }
    static let lengths = Array(0...65) + [511, 2048]

    /// Runs a body at each level on a team of two.
    private func everyLevel(_ body: (OpaquePointer) throws -> Void) throws {
        for level in Self.levels {
            let team = try #require(ck_team_create(2, level))
            defer { ck_team_destroy(team) }
            try body(team)
        }
    }

    /// Numbers that do not start on a cache line: one element in.
    private func misaligned(_ count: Int, seed: Int = 1, scale: Float = 3) -> ArraySlice<Float> {
        var state = UInt64(seed) &* 0x9e37_79b9_7f4a_7c15 | 1
        return (0...count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (Float(state >> 40) * 0x1p-23 - 1) * scale
        }.dropFirst()
    }

    private func withPointer<R>(_ slice: ArraySlice<Float>, _ body: (UnsafePointer<Float>) throws -> R) throws -> R {
        try slice.withUnsafeBufferPointer { try body(try #require($0.baseAddress)) }
    }

    @Test("GELU is x Φ(x) of the exact normal distribution, and its gradient is that of the formula")
    func gelu() throws {
        try everyLevel { team in
            for n in Self.lengths where n > 0 {
                let x = misaligned(n, scale: 6)
                let bias = [Float](repeating: 0.25, count: n)
                var before = [Float](repeating: 9, count: n)
                var out = before
                try withPointer(x) { ck_bias_gelu_forward(team, $0, bias, &before, &out, 0, 1, n) }
                var gradient = [Float](repeating: 9, count: n)
                var dbias = [Float](repeating: 9, count: n)
                let ones = [Float](repeating: 1, count: n)
                ck_gelu_backward(team, ones, before, &gradient, 0, &dbias, 0, 1, n)
                for (i, value) in x.enumerated() {
                    let z = Double(value) + 0.25
                    let phi = 0.5 * erfc(-z / 2.0.squareRoot())
                    #expect(abs(Double(out[i]) - z * phi) < 1e-6 * max(1, abs(z)))
                    let slope = phi + z * exp(-z * z / 2) / (2 * Double.pi).squareRoot()
                    #expect(abs(Double(gradient[i]) - slope) < 2e-6)
                    #expect(dbias[i] == gradient[i])
                }
            }
        }
    }

    @Test("LayerNorm has mean and variance of its rows, and its gradient is that of finite differences")
    func layerNorm() throws {
        try everyLevel { team in
            for n in Self.lengths where n > 1 {
                let rows = 3
                let x = Array(misaligned(rows * n, seed: n))
                let gamma = Array(misaligned(n, seed: 5))
                let beta = Array(misaligned(n, seed: 6))
                var y = [Float](repeating: 0, count: rows * n)
                var mean = [Float](repeating: 0, count: rows)
                var rstd = mean
                ck_layernorm_forward(team, x, gamma, beta, &y, 0, &mean, &rstd, rows, n, 1e-5)
                func reference(_ x: [Double]) -> [Double] {
                    let mu = x.reduce(0, +) / Double(n)
                    let variance = x.reduce(0) { $0 + ($1 - mu) * ($1 - mu) } / Double(n)
                    return x.enumerated().map {
                        ($1 - mu) / (variance + 1e-5).squareRoot() * Double(gamma[$0]) + Double(beta[$0])
                    }
                }
                for r in 0..<rows {
                    let expected = reference(x[r * n..<(r + 1) * n].map { Double($0) })
                    for i in 0..<n { #expect(abs(Double(y[r * n + i]) - expected[i]) < 3e-5) }
                }
                let dy = Array(misaligned(rows * n, seed: 7))
                var dx = [Float](repeating: 0, count: rows * n)
                var dgamma = [Float](repeating: 1, count: n)
                var dbeta = dgamma
                ck_layernorm_backward(
                    team, x, gamma, dy, mean, rstd, nil, &dx, &dgamma, &dbeta, 1, rows, n)
                let column = n / 2
                let sums = (0..<rows).reduce(0.0) { $0 + Double(dy[$1 * n + column]) }
                #expect(abs(Double(dbeta[column]) - 1 - sums) < 1e-4, "gradients are added to what was there")
                func loss(_ shift: Double) -> Double {
                    var row = x[0..<n].map { Double($0) }
                    row[column] += shift
                    return zip(reference(row), dy[0..<n]).reduce(0) { $0 + $1.0 * Double($1.1) }
                }
                let slope = (loss(1e-5) - loss(-1e-5)) / 2e-5
                #expect(abs(Double(dx[column]) - slope) < 2e-3 * max(1, abs(slope)))
            }
        }
    }

    @Test("softmax sums to one, keeps NaN, and its gradient is orthogonal to constants")
    func softmax() throws {
        try everyLevel { team in
            for n in Self.lengths where n > 0 {
                let x = misaligned(n, scale: 20)
                var p = [Float](repeating: 0, count: n)
                var scores = Array(x)
                ck_softmax_rows(team, &scores, 0.5, &p, 0, 1, n)
                let top = x.map { Double($0) * 0.5 }.max() ?? 0
                let e = x.map { exp(Double($0) * 0.5 - top) }
                let sum = e.reduce(0, +)
                for i in 0..<n { #expect(abs(Double(p[i]) - e[i] / sum) < 1e-6) }
                let dp = Array(misaligned(n, seed: 3))
                var ds = [Float](repeating: 0, count: n)
                ck_softmax_rows_backward(team, p, dp, 0.5, &ds, 0, 1, n)
                #expect(abs(ds.reduce(0, +)) < 1e-5)
                var bad = Array(x)
                bad[n / 2] = .nan
                ck_softmax_rows(team, &bad, 1, &p, 0, 1, n)
                #expect(p.allSatisfy { $0.isNaN })
                bad = Array(x)
                bad[n / 2] = .infinity
                ck_softmax_rows(team, &bad, 1, &p, 0, 1, n)
                #expect(p[n / 2].isNaN, "an infinite score is not silently a certainty")
            }
        }
    }

    @Test("bfloat16 rounds to nearest even and keeps NaN and infinity")
    func bfloat16() throws {
        let special: [(Float, UInt16)] = [
            (0, 0), (-0.0, 0x8000), (1, 0x3f80), (.infinity, 0x7f80), (-.infinity, 0xff80),
            (Float(bitPattern: 0x3f80_8000), 0x3f80), (Float(bitPattern: 0x3f81_8000), 0x3f82),
            (Float(bitPattern: 0x3f80_8001), 0x3f81), (Float(bitPattern: 1), 0), (.greatestFiniteMagnitude, 0x7f80),
        ]
        try everyLevel { team in
            for n in Self.lengths where n > 0 {
                let values = (0..<n).map { special[$0 % special.count] }
                var half = [UInt16](repeating: 7, count: n)
                ck_to_half(team, values.map(\.0), &half, n)
                #expect(half == values.map(\.1))
                var nan: [UInt16] = [0]
                ck_to_half(team, [.nan], &nan, 1)
                #expect(nan[0] & 0x7f80 == 0x7f80 && nan[0] & 0x7f != 0)
                var wide = [Float](repeating: 0, count: n)
                ck_from_half(team, half, &wide, n)
                #expect(wide.map(\.bitPattern) == half.map { UInt32($0) << 16 })
            }
        }
    }

    @Test("two 16-bit planes are exactly the fp32 number")
    func planes() throws {
        var bits = [UInt32]()
        var state: UInt32 = 1
        for _ in 0..<20_000 {
            state = state &* 1_664_525 &+ 1_013_904_223
            if !Float(bitPattern: state).isNaN { bits.append(state) }
        }
        bits += [0x0000_8000, 0x0001_8000, 0x3f80_8000, 0x3f81_8000, 0xbf80_8000, 0x7f7f_ffff, 0x7f80_0000, 0]
        let w = bits.map { Float(bitPattern: $0) }
        try everyLevel { team in
            var high = [UInt16](repeating: 0, count: w.count)
            var low = [Int16](repeating: 0, count: w.count)
            var back = [Float](repeating: 0, count: w.count)
            ck_split(team, w, &high, &low, w.count)
            ck_join(team, high, low, &back, w.count)
            #expect(back.map(\.bitPattern) == bits)
            for (value, h) in zip(w, high) where value.isFinite && abs(value) < 1e38 && abs(value) > 1e-36 {
                #expect(abs(Float(bitPattern: UInt32(h) << 16) - value) <= abs(value) * 0x1p-8)
            }
        }
    }

    @Test("an optimiser's step gives the same bytes in fp32 and in planes")
    func planesStep() throws {
        try everyLevel { team in
            for n in Self.lengths where n > 0 {
                var w = Array(misaligned(n))
                let g = Array(misaligned(n, seed: 2))
                var (m, v) = ([Float](repeating: 0, count: n), [Float](repeating: 0, count: n))
                var (m2, v2) = (m, v)
                var high = [UInt16](repeating: 0, count: n)
                var low = [Int16](repeating: 0, count: n)
                ck_split(team, w, &high, &low, n)
                var o = ck_adam(
                    rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.01, correction1: 0.1,
                    correction2: 0.001, scale: 0.5, decoupled: 1)
                ck_adam_step(team, &o, &w, g, &m, &v, n)
                ck_adam_step_split(team, &o, &high, &low, g, &m2, &v2, n)
                var joined = [Float](repeating: 0, count: n)
                ck_join(team, high, low, &joined, n)
                #expect(joined == w)
                #expect(m == m2)
                #expect(v == v2)
            }
        }
    }

    @Test("sums of long vectors do not depend on the number of threads")
    func reductions() throws {
        let x = Array(misaligned(300_001))
        let zero = [Float](repeating: 0, count: x.count)
        let expected = x.reduce(0.0) { $0 + Double($1) * Double($1) }
        for level in Self.levels {
            var sums: Set<UInt64> = []
            var errors: Set<UInt64> = []
            for threads in 1...5 {
                let team = try #require(ck_team_create(Int32(threads), level))
                defer { ck_team_destroy(team) }
                let sum = ck_sum_of_squares(team, x, x.count)
                #expect(abs(sum - expected) < 1e-9 * expected)
                sums.insert(sum.bitPattern)
                errors.insert(ck_l1(team, x, zero, nil, 0, x.count).bitPattern)
            }
            #expect(sums.count == 1)
            #expect(errors.count == 1)
        }
    }

    @Test("group normalisation has mean and variance of its groups, and its gradient is that of finite differences")
    func groupNorm() throws {
        try everyLevel { team in
            // Sums over more rows than a chunk holds, channels beyond a vector.
            for (rows, channels) in [(5, 8), (600, 24), (1030, 40)] {
                var shape = ck_groupnorm(samples: 2, rows: rows, channels: channels, groups: channels / 8)
                let count = 2 * rows * channels
                var x = Array(misaligned(count, seed: 3))
                let gamma = Array(misaligned(channels, seed: 4))
                let beta = Array(misaligned(channels, seed: 5))
                let residual = Array(misaligned(count, seed: 6))
                let weights = Array(misaligned(count, seed: 7, scale: 1))
                var y = [Float](repeating: 9, count: count)
                var mean = [Float](repeating: 9, count: 2 * channels / 8)
                var rstd = mean
                func forward() -> Double {
                    #expect(
                        ck_groupnorm_forward(team, &shape, x, gamma, beta, residual, 1, &y, &mean, &rstd) == 0)
                    return zip(y, weights).reduce(0) { $0 + Double($1.0) * Double($1.1) }
                }
                _ = forward()
                let group = (0..<rows).flatMap { r in (8..<min(16, channels)).map { Double(x[r * channels + $0]) } }
                if channels > 8 {
                    let mu = group.reduce(0, +) / Double(group.count)
                    let variance = group.reduce(0) { $0 + ($1 - mu) * ($1 - mu) } / Double(group.count)
                    #expect(
                        abs(Double(mean[1]) - mu) < 1e-5
                            && abs(Double(rstd[1]) - 1 / (variance + 1e-5).squareRoot()) < 1e-5)
                    let expected = max(
                        0,
                        (Double(x[8]) - mu) / (variance + 1e-5).squareRoot() * Double(gamma[8]) + Double(beta[8])
                            + Double(residual[8]))
                    #expect(abs(Double(y[8]) - expected) < 1e-4)
                }
                #expect(y.allSatisfy { $0 >= 0 })
                var dx = [Float](repeating: 9, count: count)
                var masked = dx
                var dgamma = [Float](repeating: 1, count: channels)
                var dbeta = dgamma
                #expect(
                    ck_groupnorm_backward(
                        team, &shape, x, gamma, mean, rstd, y, weights, &dx, &masked, &dgamma, &dbeta, 1) == 0)
                for i in y.indices { #expect(masked[i] == (y[i] > 0 ? weights[i] : 0)) }
                // Added to what was there.
                let plain = (0..<2 * rows).reduce(0.0) { $0 + Double(masked[$1 * channels + 3]) }
                #expect(abs(Double(dbeta[3]) - 1 - plain) < 1e-3)
                for i in [0, channels + 1, count - 1] {
                    let kept = x[i]
                    x[i] = kept + 1e-2
                    let up = forward()
                    x[i] = kept - 1e-2
                    let down = forward()
                    x[i] = kept
                    #expect(abs((up - down) / 2e-2 - Double(dx[i])) < 2e-2 * max(1, abs(Double(dx[i]))))
                }
            }
        }
    }

    @Test("patches hold channel, x, y, z of their place and unpatchify undoes patchify")
    func patches() throws {
        let (batch, channels, size, patch) = (2, 3, 12, 4)
        let images = (0..<batch * channels * size * size * size).map { Float($0) }
        try everyLevel { team in
            var rows = [Float](repeating: -1, count: images.count)
            ck_patchify(team, images, &rows, 0, batch, channels, size, patch, nil, 27)
            let grid = size / patch
            func image(_ b: Int, _ c: Int, _ x: Int, _ y: Int, _ z: Int) -> Float {
                images[(((b * channels + c) * size + x) * size + y) * size + z]
            }
            let token = ((1 * grid + 2) * grid + 0) * grid + 1
            let value = ((2 * patch + 3) * patch + 1) * patch + 2
            #expect(rows[token * channels * 64 + value] == image(1, 2, 2 * 4 + 3, 0 * 4 + 1, 1 * 4 + 2))
            var back = [Float](repeating: -1, count: images.count)
            ck_unpatchify(team, rows, &back, batch, channels, size, patch)
            #expect(back == images)
        }
    }
}
