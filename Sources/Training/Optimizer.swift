import CKernels
package import Compute
package import Encoder
import Foundation

/// How weights follow gradients.
package enum OptimizerRecipe: Codable, Sendable, Equatable {
    /// Kingma and Ba, with the decay added to the gradient.
    case adam(beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8, decay: Float = 0)
    /// Loshchilov and Hutter: weights shrink by rate × decay beside the step.
    case adamW(beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8, decay: Float = 1e-5)
    /// Stochastic gradient descent with PyTorch's momentum.
    case sgd(momentum: Float = 0.9, decay: Float = 0)

    /// Vectors of moments a parameter needs.
    package var moments: Int {
        switch self {
        case .adam, .adamW: 2
        case .sgd: 1
        }
    }
}

/// An optimiser's state: the moments of the trained parameters and the number of steps taken.
package final class Optimizer {
    package let recipe: OptimizerRecipe
    package let trainable: Trainable
    /// Steps taken.
    package private(set) var step: Int
    /// Moments, each as long as the gradients.
    package let moments: [Buffer<Float>]

    package init(_ recipe: OptimizerRecipe, trainable: Trainable) throws(EncoderError) {
        self.recipe = recipe
        self.trainable = trainable
        step = 0
        do throws(ComputeError) {
            var moments: [Buffer<Float>] = []
            for _ in 0..<recipe.moments { moments.append(try Buffer(count: trainable.count)) }
            self.moments = moments
        } catch { throw EncoderError(error) }
    }

    /// Takes up the state of a checkpoint, whose moments are already in ``moments``.
    package func resume(atStep step: Int) { self.step = step }

    /// Changes the parameters by one step.
    ///
    /// - Parameters:
    ///   - rate: the learning rate of this step.
    ///   - scale: multiplies every gradient first: below 1 when clipping.
    package func update(_ store: ParameterStore, gradients: Gradients, rate: Float, scale: Float = 1) {
        step += 1
        for run in trainable.runs {
            let at = run.gradients.lowerBound
            let count = run.gradients.count
            let g = gradients.values.base + at
            let first = moments[0].base + at
            switch recipe {
            case .adam(let beta1, let beta2, let epsilon, let decay):
                adam(store, run.parameters, g, first, moments[1].base + at, count) {
                    Self.adam(beta1, beta2, epsilon, decay, rate: rate, scale: scale, step: step, decoupled: false)
                }
            case .adamW(let beta1, let beta2, let epsilon, let decay):
                adam(store, run.parameters, g, first, moments[1].base + at, count) {
                    Self.adam(beta1, beta2, epsilon, decay, rate: rate, scale: scale, step: step, decoupled: true)
                }
            case .sgd(let momentum, let decay):
                var o = ck_sgd(rate: rate, momentum: momentum, decay: decay, scale: scale, first: step == 1 ? 1 : 0)
                store.update(
                    run.parameters, single: { ck_sgd_step(store.device.team, &o, $0, g, first, count) },
                    planes: { ck_sgd_step_split(store.device.team, &o, $0, $1, g, first, count) })
            }
        }
        store.refreshVectors()
    }

    private func adam(
        _ store: ParameterStore, _ range: Range<Int>, _ g: UnsafePointer<Float>, _ m: UnsafeMutablePointer<Float>,
        _ v: UnsafeMutablePointer<Float>, _ count: Int, _ make: () -> ck_adam
    ) {
        var o = make()
        store.update(
            range, single: { ck_adam_step(store.device.team, &o, $0, g, m, v, count) },
            planes: { ck_adam_step_split(store.device.team, &o, $0, $1, g, m, v, count) })
    }

    private static func adam(
        _ beta1: Float, _ beta2: Float, _ epsilon: Float, _ decay: Float, rate: Float, scale: Float, step: Int,
        decoupled: Bool
    ) -> ck_adam {
        func correction(_ beta: Float) -> Float {
            // PyTorch holds the betas as doubles: 0.9 and 0.999 as written, not their nearest floats.
            let written = Double("\(beta)") ?? Double(beta)
            return Float(1 - pow(written, Double(step)))
        }
        return ck_adam(
            rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon, decay: decay, correction1: correction(beta1),
            correction2: correction(beta2), scale: scale, decoupled: decoupled ? 1 : 0)
    }
}

extension Gradients {
    /// The Euclidean norm over all trained parameters, the same on any number of threads.
    package func norm(_ device: Device) -> Double {
        ck_sum_of_squares(device.team, values.base, values.count).squareRoot()
    }
}
