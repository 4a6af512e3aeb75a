import CMathBackends
import Compute
import Testing

/// Convolutions against sums in double, on both libraries, for odd and even sides, strides and team sizes.
@Suite struct ConvolutionTests {
    @Test(
        "a convolution and its gradients are the sums they stand for", arguments: MathLibrary.allCases,
        [(7, 3, 1), (7, 3, 2), (8, 3, 2), (8, 1, 2), (3, 5, 1), (1, 3, 2), (6, 1, 1)])
    func sums(library: MathLibrary, shape: (size: Int, kernel: Int, stride: Int)) throws {
        let (size, kernel, stride) = shape
        let (batch, inputs, outputs) = (3, 5, 6)
        let result = (size - 1) / stride + 1
        func numbers(_ count: Int, _ seed: Int) -> [Float] {
            (0..<count).map { Float(($0 * 7919 + seed * 104_729) % 2003) / 1001 - 1 }
        }
        let x = numbers(batch * size * size * size * inputs, 1)
        let w = numbers(outputs * kernel * kernel * kernel * inputs, 2)
        let dy = numbers(batch * result * result * result * outputs, 3)
        var y = [Double](repeating: 0, count: dy.count)
        var dx = [Double](repeating: 0, count: x.count)
        var dw = [Double](repeating: 0, count: w.count)
        let padding = kernel / 2
        for sample in 0..<batch {
            for place in 0..<result * result * result {
                let o = [place / (result * result), place / result % result, place % result]
                for tap in 0..<kernel * kernel * kernel {
                    let t = [tap / (kernel * kernel), tap / kernel % kernel, tap % kernel]
                    let i = (0..<3).map { o[$0] * stride + t[$0] - padding }
                    guard i.allSatisfy({ (0..<size).contains($0) }) else { continue }
                    let from = (((sample * size + i[0]) * size + i[1]) * size + i[2]) * inputs
                    let to = (sample * result * result * result + place) * outputs
                    for a in 0..<outputs {
                        for b in 0..<inputs {
                            let at = (a * kernel * kernel * kernel + tap) * inputs + b
                            y[to + a] += Double(x[from + b]) * Double(w[at])
                            dx[from + b] += Double(dy[to + a]) * Double(w[at])
                            dw[at] += Double(dy[to + a]) * Double(x[from + b])
                        }
                    }
                }
            }
        }
        let convolution = mb_convolution(
            batch: batch, size: size, in: inputs, out: outputs, kernel: kernel, stride: stride)
        func near(_ a: [Float], _ b: [Double]) -> Bool { zip(a, b).allSatisfy { abs(Double($0) - $1) < 1e-4 } }
        for threads in [1, 3] {
            let device = try Device(precision: .fp32, threads: threads, library: library)
            var made = [Float](repeating: 9, count: y.count)
            try device.convolve(convolution, x, weights: w, into: &made)
            #expect(near(made, y))
            var data = [Float](repeating: 9, count: x.count)
            try device.convolveData(convolution, dy, weights: w, into: &data)
            #expect(near(data, dx))
            var weights = [Float](repeating: 9, count: w.count)
            try device.convolveWeights(convolution, x, dy, into: &weights, accumulate: false)
            #expect(near(weights, dw))
            try device.convolveWeights(convolution, x, dy, into: &weights, accumulate: true)
            #expect(near(weights, dw.map { 2 * $0 }))
        }
    }
}
