package import Compute
package import Encoder
import Foundation

/// A pretrained model that restores what is hidden of a case. How far off it is tells cases unlike those it learned from.
///
/// Of every case the same is hidden: three quarters of the tokens where the model was pretrained by `masked`, otherwise the
/// cubes of `blocks16`. It stays as it was pretrained: a model fitted from it no longer fits its decoder.
package final class CaseRestorer {
    private let errors: RestorationErrors
    private let restorer: Restorer
    private let encoder: EncoderConfiguration

    /// - Returns: nil for a model that restores nothing: one with a head, or a residual network.
    /// - Throws: one sentence: the processor's precision, the machine's memory, a tensor that does not fit.
    package init?(_ file: ModelFile, precision: Precision, threads: Int?) throws {
        let model = file.description.configuration
        guard model.head == nil, model.encoder.residual == nil else { return nil }
        encoder = model.encoder
        errors = try RestorationErrors(
            model.maskDecoder == nil ? .blocks16 : .masked, seed: 1, precision: precision, threads: threads)
        var estimate = MemoryEstimate.inference(model, precision: precision, threads: threads ?? 1)
        // The decoder's output and what lies before it.
        estimate.activations += 6 * 4 * encoder.imageValues
        try estimate.require(available: MemoryEstimate.available(), advice: "close other programs")
        let (store, shape) = try errors.parameters(of: file)
        restorer = try Restorer(errors.objective, shape, store)
    }

    /// The natural logarithm of the mean absolute error of what is restored.
    package func error(of input: EncoderInput) throws -> Double {
        let part = errors.part(of: input, "any case", encoder)
        return log(part.distance(try restorer.restore(part, present: input.present), input))
    }
}
