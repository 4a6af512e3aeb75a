import Foundation

/// The learning rate of each step: a linear warm-up, then constant or a cosine.
package struct Schedule: Codable, Sendable, Equatable {
    /// After the warm-up.
    package enum Shape: Codable, Sendable, Equatable {
        case constant
        /// `minimum + (rate − minimum)(1 + cos(π k / period)) / 2`, k steps after the warm-up, going up again after
        /// `period` (PyTorch `CosineAnnealingLR`).
        case cosine(period: Int, minimum: Float)
    }

    /// The highest rate.
    package var rate: Float
    /// Steps over which the rate rises from rate / (warmUp + 1).
    package var warmUp: Int
    package var shape: Shape

    package init(rate: Float, warmUp: Int = 0, shape: Shape = .constant) {
        self.rate = rate
        self.warmUp = warmUp
        self.shape = shape
    }

    /// The rate of a step.
    /// - Parameter step: 0 for the first.
    package func rate(at step: Int) -> Float {
        if step < warmUp { return rate * Float(step + 1) / Float(warmUp + 1) }
        switch shape {
        case .constant: return rate
        case .cosine(let period, let minimum):
            let k = Double(step - warmUp) / Double(max(period, 1))
            return Float(Double(minimum) + (Double(rate) - Double(minimum)) * (1 + cos(Double.pi * k)) / 2)
        }
    }
}
