/// Symmetric positive definite systems by the decomposition A = LLᵀ.
enum Cholesky {
    /// Solves A x = b, A given by its lower triangle; nil when it is not definite.
    static func solve(_ matrix: [Double], _ right: [Double]) -> [Double]? {
        let size = right.count
        var lower = matrix
        var result = right
        for i in 0..<size {
            for j in 0...i {
                var sum = lower[i * size + j]
                for k in 0..<j { sum -= lower[i * size + k] * lower[j * size + k] }
                if i == j {
                    guard sum > 0 else { return nil }
                    lower[i * size + i] = sum.squareRoot()
                } else {
                    lower[i * size + j] = sum / lower[j * size + j]
                }
            }
        }
        for i in 0..<size {
            for k in 0..<i { result[i] -= lower[i * size + k] * result[k] }
            result[i] /= lower[i * size + i]
        }
        for i in (0..<size).reversed() {
            for k in (i + 1)..<max(size, i + 1) { result[i] -= lower[k * size + i] * result[k] }
            result[i] /= lower[i * size + i]
        }
        return result
    }
}
