import Encoder
import Statistics

/// Pooled features brought to a few dimensions by a fixed random matrix: what it is depends on its seed alone, so that all
/// sites of a study use the same.
package struct FeatureProjection: Sendable {
    package let dimensions: Int
    private let matrix: [Float]
    private let inputs: Int

    /// - Parameters:
    ///   - inputs: features of the model's head.
    ///   - dimensions: 1…16.
    package init(inputs: Int, dimensions: Int, seed: UInt64) {
        precondition((1...Familiarity.mostDimensions).contains(dimensions), "a projection has 1…16 dimensions")
        var random = RandomStream(seed: seed, name: "projection")
        self.inputs = inputs
        self.dimensions = dimensions
        matrix = (0..<inputs * dimensions).map { _ in random.normal() }
    }

    /// The features of one case, projected.
    package func callAsFunction(_ features: [Float]) -> [Double] {
        precondition(features.count == inputs, "\(features.count) features for a projection of \(inputs)")
        return (0..<dimensions).map { row in
            var sum = 0.0
            for i in 0..<inputs { sum += Double(matrix[row * inputs + i]) * Double(features[i]) }
            return sum / Double(inputs).squareRoot()
        }
    }
}
