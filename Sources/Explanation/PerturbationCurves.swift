import Foundation
package import Encoder
package import Training

/// What becomes of a class's probability while a case's tokens are taken away, or put in, in some order.
package struct PerturbationCurves: Sendable {
    /// The mean probability while tokens are taken away: small when what matters goes first.
    package let deletion: Double
    /// The mean probability while tokens are put into the smoothed case: large when what matters comes first.
    package let insertion: Double

    /// Places a curve is asked at, beside its ends.
    package static let steps = 16

    /// - Parameter order: the occupied tokens, first to go first.
    package init(
        _ explainer: Explainer, _ input: EncoderInput, class chosen: Int, fill: TokenFill, order: [Int]
    ) throws(EncoderError) {
        let steps = Self.steps
        let counts = (0...steps).map { order.count * $0 / steps }
        // What is not yet put in is replaced, too.
        let replaced = counts.map { order[..<$0] } + counts.map { order[$0...] }
        let scores = try explainer.scores(input, class: chosen, fill: fill, replaced: replaced)
        let probabilities = scores.map { 1 / (1 + exp(-Double($0))) }
        deletion = Self.area(probabilities[...steps])
        insertion = Self.area(probabilities[(steps + 1)...])
    }

    /// The trapezoid area over 0…1.
    private static func area(_ curve: ArraySlice<Double>) -> Double {
        let inner = curve.dropFirst().dropLast().reduce(0, +)
        return (inner + ((curve.first ?? 0) + (curve.last ?? 0)) / 2) / Double(curve.count - 1)
    }
}
