import CKernels
package import Compute
import Foundation

/// A loss and its gradient with respect to what it was computed from.
package struct LossValue: Sendable {
    package let loss: Double
    /// The same shape as the input.
    package let gradient: [Float]
}

/// Cross entropy of softmax scores, weighted by class as PyTorch does: Σ wᵧ·(−log pᵧ) / Σ wᵧ.
package struct CrossEntropy: Sendable {
    /// One weight a class; all 1 when nil.
    package var weights: [Float]?

    package init(weights: [Float]?) { self.weights = weights }

    /// - Parameters:
    ///   - logits: (count, classes).
    ///   - labels: one class a case, each in 0..<classes.
    ///   - normaliser: Σ wᵧ of the whole effective batch when this is a part of it; of these cases when nil.
    package func evaluate(_ logits: [Float], labels: [Int], normaliser: Double? = nil) -> LossValue {
        let classes = labels.isEmpty ? 0 : logits.count / labels.count
        let total = normaliser ?? weight(of: labels)
        var loss = 0.0
        var gradient = [Float](repeating: 0, count: logits.count)
        for (i, label) in labels.enumerated() {
            precondition((0..<classes).contains(label), "label \(label) of \(classes) classes")
            let p = Self.softmax(logits[i * classes..<(i + 1) * classes])
            let w = Double(weights?[label] ?? 1) / total
            loss -= w * log(max(p[label], .leastNormalMagnitude))
            for c in 0..<classes { gradient[i * classes + c] = Float(w * (p[c] - (c == label ? 1 : 0))) }
        }
        return LossValue(loss: loss, gradient: gradient)
    }

    /// Σ wᵧ of labels.
    package func weight(of labels: [Int]) -> Double { labels.reduce(0) { $0 + Double(weights?[$1] ?? 1) } }

    /// Class probabilities of one case.
    package static func softmax(_ logits: ArraySlice<Float>) -> [Double] {
        let top = Double(logits.max() ?? 0)
        let e = logits.map { exp(Double($0) - top) }
        let sum = e.reduce(0, +)
        return e.map { $0 / sum }
    }
}

/// The pretraining objective of LAMIM §6: r + c·r, r the mean absolute error of the first view's reconstruction, c the
/// contrast of both.
package struct RestorationLoss: Sendable {
    /// Temperature of NT-Xent.
    package var temperature: Float

    package init(temperature: Float = 0.05) { self.temperature = temperature }

    /// The parts of the loss.
    package struct Value: Sendable, Equatable {
        package let reconstruction: Double
        package let contrastive: Double
        package var total: Double { reconstruction + contrastive * reconstruction }
    }

    /// - Parameters:
    ///   - outputs: reconstructions of view 1 of each case, then of view 2 of each: (2·cases, values); those of contrasts
    ///     a case does not have become zero.
    ///   - target: (cases, values), zero for contrasts a case does not have.
    ///   - present: for each case which contrasts it has; absent ones take no part. All when nil.
    ///   - share: of the step's loss that this pass is; the gradient is multiplied by it, the value is not.
    ///   - gradient: receives share · d total / d outputs, (2·cases, values).
    package func evaluate(
        _ outputs: UnsafeMutablePointer<Float>, target: UnsafePointer<Float>, cases: Int, values: Int,
        present: [[Bool]]? = nil, share: Double = 1, gradient: UnsafeMutablePointer<Float>, device: Device
    ) throws(EncoderError) -> Value {
        let absent = Self.absent(present, values: values)
        Self.clear(absent, of: outputs, cases: cases, values: values)
        let count = cases * values
        let seen = Double(count - absent.reduce(0) { $0 + $1.range.count })
        let l1 = ck_l1(device.team, outputs, target, nil, 0, count) / seen
        let contrast = try NTXent(temperature: temperature).evaluate(
            outputs, cases: cases, values: values, gradient: gradient, scale: Float(l1 * share), device: device)
        // d(r + c·r) = (1 + c)·dr + r·dc; the second part is in place.
        let signs: Buffer<Float>
        do { signs = try Buffer(count: count) } catch { throw EncoderError(error) }
        _ = ck_l1(device.team, outputs, target, signs.base, Float((1 + contrast) / seen * share), count)
        ck_axpy(device.team, 1, signs.base, gradient, count)
        // Other cases' contrasts pull at outputs that nobody asked for.
        Self.clear(absent, of: gradient, cases: cases, values: values)
        return Value(reconstruction: l1, contrastive: contrast)
    }

    /// Sets what cases lack to zero, in both views.
    private static func clear(
        _ absent: [(row: Int, range: Range<Int>)], of rows: UnsafeMutablePointer<Float>, cases: Int, values: Int
    ) {
        for (row, range) in absent {
            for view in [row, row + cases] {
                (rows + view * values + range.lowerBound).update(repeating: 0, count: range.count)
            }
        }
    }

    /// The contrasts that cases lack: the case and its values.
    private static func absent(_ present: [[Bool]]?, values: Int) -> [(row: Int, range: Range<Int>)] {
        (present ?? []).enumerated().flatMap { row, present in
            let channel = values / present.count
            return present.indices.filter { !present[$0] }.map { (row, $0 * channel..<($0 + 1) * channel) }
        }
    }
}

/// Normalised temperature-scaled cross entropy of two views (SimCLR), by a Gram matrix (LAMIM §6).
package struct NTXent: Sendable {
    package var temperature: Float

    package init(temperature: Float = 0.05) { self.temperature = temperature }

    /// - Parameters:
    ///   - rows: (2·cases, values): view 1 of each case, then view 2.
    ///   - gradient: receives `scale` · d loss / d rows.
    /// - Returns: the loss.
    package func evaluate(
        _ rows: UnsafePointer<Float>, cases: Int, values: Int, gradient: UnsafeMutablePointer<Float>, scale: Float,
        device: Device
    ) throws(EncoderError) -> Double {
        let n = 2 * cases
        var gram = [Float](repeating: 0, count: n * n)
        do throws(ComputeError) {
            try device.multiply(
                Matrix(rows, width: values), Matrix(rows, width: values).transposed, into: &gram, m: n, n: n,
                k: values, full: true)
        } catch { throw EncoderError(error) }
        let norms = (0..<n).map { max(Double(gram[$0 * n + $0]).squareRoot(), 1e-8) }
        let t = Double(temperature)
        func cosine(_ i: Int, _ j: Int) -> Double { Double(gram[i * n + j]) / (norms[i] * norms[j]) }
        var loss = 0.0
        // d loss / d cosine(i, j), each row's part.
        var d = [Double](repeating: 0, count: n * n)
        for i in 0..<n {
            let positive = (i + cases) % n
            let others = (0..<n).filter { $0 != i }
            let top = others.map { cosine(i, $0) / t }.max() ?? 0
            let sum = others.reduce(0.0) { $0 + exp(cosine(i, $1) / t - top) }
            loss += (top + log(sum) - cosine(i, positive) / t) / Double(n)
            for j in others {
                d[i * n + j] += exp(cosine(i, j) / t - top) / sum / t / Double(n)
            }
            d[i * n + positive] -= 1 / t / Double(n)
        }
        // cosine(i, j) = Rᵢ·Rⱼ / (‖Rᵢ‖‖Rⱼ‖): the gradient of Rᵢ is Σⱼ (dᵢⱼ + dⱼᵢ)(Rⱼ/(‖Rᵢ‖‖Rⱼ‖) − cosᵢⱼ Rᵢ/‖Rᵢ‖²).
        var coefficients = [Float](repeating: 0, count: n * n)
        for i in 0..<n {
            var own = 0.0
            for j in 0..<n where j != i {
                let both = d[i * n + j] + d[j * n + i]
                coefficients[i * n + j] = scale * Float(both / (norms[i] * norms[j]))
                own -= both * cosine(i, j) / (norms[i] * norms[i])
            }
            coefficients[i * n + i] = scale * Float(own)
        }
        do throws(ComputeError) {
            try Matrix.lending(coefficients, width: n) { (coefficients) throws(ComputeError) in
                try device.multiply(
                    coefficients, Matrix(rows, width: values), into: gradient, m: n, n: values, k: n, full: true)
            }
        } catch { throw EncoderError(error) }
        return loss
    }
}
