import Glibc

/// Logistic regression with an L2 penalty on standardised features, fitted by Newton's method (iteratively reweighted
/// least squares). Deterministic: the same cases in the same order give the same coefficients.
package struct LogisticRegression: Sendable, Equatable {
    /// Log-odds at the mean of every feature. Not penalised.
    package let intercept: Double
    /// Change of the log-odds for one standard deviation of each feature.
    package let coefficients: [Double]
    private let standard: Standardisation

    /// Fits a model: minimises ½‖w‖²·`penalty` + Σ log(1 + exp(−yᵢ(b + w·xᵢ))), as scikit-learn with C = 1/`penalty`.
    /// - Parameters:
    ///   - features: a row a case, all of one length, finite.
    ///   - labels: true for a positive case.
    ///   - penalty: above zero, so that separable classes have a solution.
    /// - Returns: nil without cases of both classes, with a value that is not finite, or when no solution is found.
    package init?(features: [[Double]], labels: [Bool], penalty: Double = 1) {
        precondition(features.count == labels.count && penalty > 0, "a label belongs to every case")
        let width = features.first?.count ?? 0
        precondition(features.allSatisfy { $0.count == width }, "every case has the same features")
        guard labels.contains(true), labels.contains(false), features.joined().allSatisfy(\.isFinite) else {
            return nil
        }
        let standard = Standardisation(features, columns: width)
        let rows = features.map { standard($0) + [1] }
        guard let weights = Self.newton(rows, labels, penalty) else { return nil }
        intercept = weights[width]
        coefficients = Array(weights[..<width])
        self.standard = standard
    }

    /// The probability that a case is positive.
    /// - Parameter row: one finite value a feature.
    package func probability(_ row: [Double]) -> Double {
        precondition(row.count == coefficients.count, "a case has the features the model was fitted on")
        return Self.sigmoid(intercept + zip(coefficients, standard(row)).reduce(0) { $0 + $1.0 * $1.1 })
    }

    /// Newton's method with step halving on a strictly convex objective; the last weight is the free intercept.
    private static func newton(_ rows: [[Double]], _ labels: [Bool], _ penalty: Double) -> [Double]? {
        let size = rows[0].count
        func objective(_ weights: [Double]) -> Double {
            var sum = weights.dropLast().reduce(0) { $0 + $1 * $1 } * penalty / 2
            for (row, label) in zip(rows, labels) {
                let margin = label ? dot(row, weights) : -dot(row, weights)
                sum += margin > 0 ? log1p(exp(-margin)) : log1p(exp(margin)) - margin
            }
            return sum
        }
        var weights = [Double](repeating: 0, count: size)
        var value = objective(weights)
        for _ in 0..<100 {
            var gradient = weights.map { $0 * penalty }
            gradient[size - 1] = 0
            var hessian = [Double](repeating: 0, count: size * size)
            for i in 0..<(size - 1) { hessian[i * size + i] = penalty }
            for (row, label) in zip(rows, labels) {
                let p = sigmoid(dot(row, weights))
                let error = p - (label ? 1 : 0)
                for i in 0..<size {
                    gradient[i] += error * row[i]
                    let scaled = p * (1 - p) * row[i]
                    for j in 0...i { hessian[i * size + j] += scaled * row[j] }
                }
            }
            guard let step = Cholesky(hessian, size: size)?.solve(gradient) else { return nil }
            var scale = 1.0
            var next = weights
            var nextValue = value
            repeat {
                next = zip(weights, step).map { $0 - scale * $1 }
                nextValue = objective(next)
                scale /= 2
            } while !(nextValue <= value) && scale > 1e-12
            guard nextValue <= value else { break }
            weights = next
            value = nextValue
            if (step.map(abs).max() ?? 0) < 1e-12 { break }
        }
        return weights.allSatisfy(\.isFinite) ? weights : nil
    }

    private static func dot(_ one: [Double], _ other: [Double]) -> Double {
        var sum = 0.0
        for i in one.indices { sum += one[i] * other[i] }
        return sum
    }

    private static func sigmoid(_ logit: Double) -> Double {
        logit >= 0 ? 1 / (1 + exp(-logit)) : exp(logit) / (1 + exp(logit))
    }
}
