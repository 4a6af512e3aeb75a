import ArgumentParser
import Encoder
import Training

extension Preset: ExpressibleByArgument {}

/// A shape whose weights are drawn.
struct ShapeOptions: ParsableArguments {
    @Option(help: "Train this shape from the beginning; the resnets are residual networks to compare with.")
    var preset: Preset?

    @Option(help: "Edge of the preset's volumes in voxels, where it is to be another one.")
    var size: Int?

    func validate() throws {
        guard size == nil || preset != nil else {
            throw ValidationError("--size goes with --preset: weights have a size of their own.")
        }
    }

    /// nil without a preset.
    func start() throws -> FitRequest.Start? {
        guard let preset else { return nil }
        guard let size else { return .preset(preset) }
        var encoder = preset.configuration
        encoder.imageSize = size
        try encoder.validate()
        return .configuration(encoder)
    }
}
