import Compute

/// How a network's images are brought to about mean 0 and deviation 1 before its first layer: the prepared values of brain,
/// 0…1, less `mean`, over `deviation`; air and absent contrasts stay 0.
///
/// Without it what all heads share, brain against air, is most of what the first layer sees, and a network trained from
/// the beginning takes long to see anything else.
package struct InputScale: Codable, Sendable, Equatable {
    package var mean: Float
    package var deviation: Float

    package init(mean: Float, deviation: Float) {
        self.mean = mean
        self.deviation = deviation
    }

    /// Of brain prepared by `consilium`: 0.448 and 0.244 over all contrasts of 400 made heads, rounded. What `standardised`
    /// prepares comes to lie about 0 with a deviation of 0.15 / 0.24.
    package static let brain = InputScale(mean: 0.45, deviation: 0.24)

    func validate() throws(EncoderError) {
        guard mean.isFinite, deviation.isFinite, deviation > 0 else {
            throw EncoderError(
                .configuration,
                "the encoder's input has mean \(mean) and deviation \(deviation): finite, the latter above 0, are run")
        }
    }
}

/// One case's images at a time in a network's own scale.
struct ScaledInput {
    private let scale: InputScale
    private let channels: Int
    /// Voxels of a volume.
    private let count: Int
    private let images: Buffer<Float>

    /// nil where images are taken as they are.
    init?(_ encoder: EncoderConfiguration) throws(ComputeError) {
        guard let scale = encoder.input else { return nil }
        self.scale = scale
        channels = encoder.inChannels
        count = encoder.imageValues / encoder.inChannels
        images = try Buffer(count: encoder.imageValues)
    }

    /// - Parameters:
    ///   - original: (channels, size³), absent contrasts zero.
    ///   - present: which contrasts the case has; all when nil.
    func scaled(_ original: UnsafePointer<Float>, present: [Bool]?) -> UnsafePointer<Float> {
        let factor = 1 / scale.deviation
        let known = (0..<channels).filter { present?[$0] ?? true }
        let target = images.base
        target.update(repeating: 0, count: channels * count)
        for v in 0..<count where known.contains(where: { original[$0 * count + v] != 0 }) {
            for channel in known {
                target[channel * count + v] = (original[channel * count + v] - scale.mean) * factor
            }
        }
        return UnsafePointer(target)
    }

    /// The gradient of the original images from that of the scaled ones, in place.
    func backward(_ gradient: UnsafeMutablePointer<Float>, cases: Int) {
        for i in 0..<cases * channels * count { gradient[i] /= scale.deviation }
    }
}
