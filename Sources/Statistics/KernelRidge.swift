import Glibc

/// Kernel ridge regression with the kernel exp(−`width`·‖x − y‖²) on standardised features, for two classes at −1 and 1: a
/// smooth surface where a plane is too simple.
package struct KernelRidge: Sendable {
    private let rows: [[Double]]
    private let weights: [Double]
    private let standard: Standardisation
    private let width: Double

    /// Solves (K + `penalty`·I)·w = y, as scikit-learn's `KernelRidge(kernel="rbf", gamma=width, alpha=penalty)`. It takes n²
    /// values of memory and n³/3 operations for n cases.
    /// - Parameters:
    ///   - features: a row a case, all of one length, finite.
    ///   - labels: true for a positive case.
    ///   - width: above zero.
    ///   - penalty: above zero.
    /// - Returns: nil without cases, with a value that is not finite, or when no solution is found.
    package init?(features: [[Double]], labels: [Bool], width: Double, penalty: Double) {
        precondition(features.count == labels.count && width > 0 && penalty > 0, "a label belongs to every case")
        guard let columns = features.first?.count, features.joined().allSatisfy(\.isFinite) else { return nil }
        precondition(features.allSatisfy { $0.count == columns }, "every case has the same features")
        let standard = Standardisation(features, columns: columns)
        let rows = features.map { standard($0) }
        var kernel = [Double](repeating: 0, count: rows.count * rows.count)
        for i in rows.indices {
            for j in 0..<i { kernel[i * rows.count + j] = Self.kernel(rows[i], rows[j], width) }
            kernel[i * rows.count + i] = 1 + penalty
        }
        guard let factor = Cholesky(kernel, size: rows.count) else { return nil }
        weights = factor.solve(labels.map { $0 ? 1 : -1 })
        self.rows = rows
        self.standard = standard
        self.width = width
    }

    /// Above 0 for a positive case; no probability.
    /// - Parameter row: one finite value a feature.
    package func score(_ row: [Double]) -> Double {
        precondition(row.count == rows.first?.count, "a case has the features the model was fitted on")
        let standard = standard(row)
        return zip(rows, weights).reduce(0) { $0 + $1.1 * Self.kernel($1.0, standard, width) }
    }

    private static func kernel(_ one: [Double], _ other: [Double], _ width: Double) -> Double {
        var sum = 0.0
        for i in one.indices { sum += (one[i] - other[i]) * (one[i] - other[i]) }
        return exp(-width * sum)
    }
}
