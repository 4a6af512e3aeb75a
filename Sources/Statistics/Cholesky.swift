/// The decomposition A = LLᵀ of a symmetric positive definite matrix, made once for as many right sides as there are.
struct Cholesky {
    private var lower: [Double]

    /// - Parameters:
    ///   - matrix: (size, size); its lower triangle is read.
    /// - Returns: nil when it is not definite.
    init?(_ matrix: [Double], size: Int) {
        lower = matrix
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
    }

    /// The x of A x = b.
    func solve(_ right: [Double]) -> [Double] {
        let size = right.count
        var result = right
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
