import Foundation
package import Encoder
package import Training

extension Explainer {
    /// How far the sum of a map may be from the change of the score, as a share of that.
    package static let completeness = 1e-3
    /// Smaller changes count as this one: they lie within what single precision tells of a score.
    private static let leastChange = 1e-2
    /// Most places along the way.
    private static let mostSteps = 256

    /// Integrated gradients of a class along the straight way between two volumes, by Gauss–Legendre quadrature with
    /// twice as many places each time until the map's sum is that of the score's change.
    package func integrated(_ input: EncoderInput, class chosen: Int, from start: [Float])
        throws(EncoderError) -> Explanation
    {
        let size = model.encoder.imageSize
        let begin = EncoderInput(voxels: start, present: input.present)
        let ends = try [begin, input].map { (end) throws(EncoderError) in
            Double(Self.score(try logits(end)[...], class: chosen))
        }
        let change = ends[1] - ends[0]
        var steps = 8
        while true {
            let sums = try gradientSums(input, class: chosen, from: start, steps: steps)
            let values = sums.indices.map { Double(sums[$0]) * Double(input.voxels[$0] - start[$0]) }
            let error = abs(values.reduce(0, +) - change) / max(abs(change), Self.leastChange)
            if error <= Self.completeness || steps >= Self.mostSteps {
                let count = size * size * size
                var map = [Float](repeating: 0, count: count)
                for (i, value) in values.enumerated() { map[i % count] += Float(value) }
                return Explanation(map: SaliencyMap(edge: size, values: map), incompleteness: error)
            }
            steps *= 2
        }
    }

    /// Σ w · ∂s/∂x over places of the way, (channels, size³).
    private func gradientSums(_ input: EncoderInput, class chosen: Int, from start: [Float], steps: Int)
        throws(EncoderError) -> [Float]
    {
        let rule = GaussLegendre(steps)
        let count = input.voxels.count
        let classes = model.head?.classes ?? 0
        var sums = [Float](repeating: 0, count: count)
        var done = 0
        while done < steps {
            let many = min(Self.batch, steps - done)
            var volumes = [Float](repeating: 0, count: many * count)
            for i in 0..<many {
                let share = Float(rule.places[done + i])
                for j in 0..<count { volumes[i * count + j] = start[j] + share * (input.voxels[j] - start[j]) }
            }
            let logits = try network.classify(
                volumes, count: many, present: Array(repeating: input.present, count: many))
            let gradient = (0..<many).flatMap {
                Self.scoreGradient(Array(logits[$0 * classes..<($0 + 1) * classes]), class: chosen)
            }
            try network.backward(logitGradient: gradient, into: gradients, images: &volumes)
            for i in 0..<many {
                let weight = Float(rule.weights[done + i])
                for j in 0..<count { sums[j] += weight * volumes[i * count + j] }
            }
            done += many
        }
        return sums
    }
}

/// Places and weights of Gauss–Legendre quadrature over 0…1 (Abramowitz and Stegun 25.4.29), by Newton's method.
struct GaussLegendre {
    let places: [Double]
    let weights: [Double]

    init(_ count: Int) {
        var places: [Double] = []
        var weights: [Double] = []
        for i in 0..<count {
            var x = cos(Double.pi * (Double(i) + 0.75) / (Double(count) + 0.5))
            var slope = 1.0
            for _ in 0..<100 {
                var (before, value) = (1.0, x)
                for n in 2..<max(count + 1, 2) where count > 1 {
                    (before, value) = (value, ((2 * Double(n) - 1) * x * value - (Double(n) - 1) * before) / Double(n))
                }
                slope = Double(count) * (x * value - before) / (x * x - 1)
                let step = value / slope
                x -= step
                if abs(step) < 1e-15 { break }
            }
            places.append((1 + x) / 2)
            weights.append(1 / ((1 - x * x) * slope * slope))
        }
        self.places = places
        self.weights = weights
    }
}
