/// Features at mean 0 and standard deviation 1 over the cases it is made of.
struct Standardisation: Sendable, Equatable {
    /// Of each feature.
    private let means: [Double]
    /// Of each feature, divisor n; 1 for a constant one.
    private let deviations: [Double]

    /// - Parameters:
    ///   - features: a row a case, all of one length.
    ///   - columns: that length.
    init(_ features: [[Double]], columns: Int) {
        let count = Double(features.count)
        let means = (0..<columns).map { column in features.reduce(0) { $0 + $1[column] } / count }
        deviations = (0..<columns).map { column -> Double in
            let sum = features.reduce(0) { $0 + ($1[column] - means[column]) * ($1[column] - means[column]) }
            let deviation = (sum / count).squareRoot()
            // Rounding leaves a constant column a deviation of the order of its last place.
            return deviation > 1e-12 * max(1, abs(means[column])) ? deviation : 1
        }
        self.means = means
    }

    func callAsFunction(_ row: [Double]) -> [Double] {
        row.indices.map { (row[$0] - means[$0]) / deviations[$0] }
    }
}
