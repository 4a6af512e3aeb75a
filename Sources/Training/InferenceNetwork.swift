package import Compute
package import Encoder

extension ModelFile {
    /// The model loaded for one case at a time, from packed parameters; its device is that of its parameters.
    ///
    /// - Parameter advice: what a person can do where memory is short.
    /// - Throws: one sentence: the processor's precision, the machine's memory, a tensor that does not fit.
    package func inferenceNetwork(
        precision: Precision, threads: Int?, advice: String = "close other programs"
    ) throws -> Network {
        let model = description.configuration
        let device = try Device(precision: precision, threads: threads)
        try MemoryEstimate.inference(model, precision: precision, threads: device.threads)
            .require(available: MemoryEstimate.available(), advice: advice)
        let parameters = PackedParameters(model, device: device)
        try load(into: parameters)
        return try Network(model, parameters: parameters, batch: 1, training: false)
    }
}
