import Glibc

/// How the log-odds of what happened follow the log-odds that were said (Cox, Biometrika 45, 1958): a model that says what
/// happens has slope 1 and intercept 0; a slope below 1 means that it is too sure.
package struct CalibrationLine: Sendable, Equatable {
    package let slope: Double
    package let intercept: Double
    /// The intercept with the slope held at 1: whether it says too much or too little on the whole.
    package let inTheLarge: Double

    /// By maximum likelihood.
    /// - Parameters:
    ///   - labels: true for a positive case.
    ///   - probabilities: of the positive class; kept 2⁻⁵² from 0 and 1.
    /// - Returns: nil without cases of both classes, with the same probability for all, or where the classes are separated
    ///   and no slope is large enough.
    package init?(labels: [Bool], probabilities: [Double]) {
        precondition(labels.count == probabilities.count, "a label belongs to every probability")
        guard labels.contains(true), labels.contains(false) else { return nil }
        let logits = probabilities.map { p -> Double in
            let kept = min(max(p, Double.ulpOfOne), 1 - Double.ulpOfOne)
            return log(kept / (1 - kept))
        }
        guard let line = Self.fit(logits, labels, slope: nil), let shift = Self.fit(logits, labels, slope: 1) else {
            return nil
        }
        (intercept, slope) = (line.0, line.1)
        inTheLarge = shift.0
    }

    /// Newton's method with step halving on the log-likelihood of logit p = a + b·x, with b held where it is given.
    private static func fit(_ x: [Double], _ labels: [Bool], slope: Double?) -> (Double, Double)? {
        func loss(_ a: Double, _ b: Double) -> Double {
            zip(x, labels).reduce(0) { sum, one in
                let margin = one.1 ? a + b * one.0 : -(a + b * one.0)
                return sum + (margin > 0 ? log1p(exp(-margin)) : log1p(exp(margin)) - margin)
            }
        }
        var (a, b) = (0.0, slope ?? 0)
        var value = loss(a, b)
        for _ in 0..<200 {
            guard let step = step(x, labels, a, b, isFixed: slope != nil) else { return nil }
            // So near the end a step squares the error, and the loss no longer tells the two sides apart.
            if max(abs(step.0), abs(step.1)) < 1e-8 * max(1, max(abs(a), abs(b))) { return (a - step.0, b - step.1) }
            var scale = 1.0
            while scale > 1e-12, !(loss(a - scale * step.0, b - scale * step.1) <= value) { scale /= 2 }
            (a, b) = (a - scale * step.0, b - scale * step.1)
            value = loss(a, b)
            guard abs(a) < 1e3, abs(b) < 1e3 else { return nil }
        }
        return nil
    }

    /// The gradient through the inverse of the Hessian; nil where that is singular: the classes are separated, or all
    /// log-odds are the same.
    private static func step(
        _ x: [Double], _ labels: [Bool], _ a: Double, _ b: Double, isFixed: Bool
    ) -> (Double, Double)? {
        var (g0, g1, h00, h01, h11) = (0.0, 0.0, 0.0, 0.0, 0.0)
        for (x, label) in zip(x, labels) {
            let p = 1 / (1 + exp(-(a + b * x)))
            let weight = p * (1 - p)
            let error = p - (label ? 1 : 0)
            g0 += error
            g1 += error * x
            h00 += weight
            h01 += weight * x
            h11 += weight * x * x
        }
        guard h00 > 1e-9 else { return nil }
        if isFixed { return (g0 / h00, 0) }
        let determinant = h00 * h11 - h01 * h01
        guard determinant > 1e-12 * h00 * h11 else { return nil }
        return ((h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant)
    }
}

/// One number by which all logits are divided, so that a model is as sure as it is right (Guo et al., ICML 2017).
package enum TemperatureScaling {
    /// The temperature with the least mean cross entropy, by golden section on its logarithm.
    /// - Parameters:
    ///   - logits: for each case one a class, finite.
    ///   - labels: the class of each case.
    /// - Returns: 0.01…100; nil without cases, and where an end of that is best: then all cases are right, or none can be
    ///   told apart.
    package static func temperature(logits: [[Double]], labels: [Int]) -> Double? {
        precondition(logits.count == labels.count, "a label belongs to every case")
        guard !labels.isEmpty else { return nil }
        func loss(_ logarithm: Double) -> Double {
            let scale = exp(-logarithm)
            return zip(logits, labels).reduce(0) { sum, one in
                let scaled = one.0.map { $0 * scale }
                let top = scaled.max() ?? 0
                return sum + top + log(scaled.reduce(0) { $0 + exp($1 - top) }) - scaled[one.1]
            }
        }
        let (least, most) = (log(0.01), log(100.0))
        let ratio = (5.0.squareRoot() - 1) / 2
        var (low, high) = (least, most)
        var inner = (high - ratio * (high - low), low + ratio * (high - low))
        var values = (loss(inner.0), loss(inner.1))
        while high - low > 1e-10 {
            if values.0 <= values.1 {
                high = inner.1
                inner = (high - ratio * (high - low), inner.0)
                values = (loss(inner.0), values.0)
            } else {
                low = inner.0
                inner = (inner.1, low + ratio * (high - low))
                values = (values.1, loss(inner.1))
            }
        }
        let best = (low + high) / 2
        return best - least > 1e-6 && most - best > 1e-6 ? exp(best) : nil
    }
}
