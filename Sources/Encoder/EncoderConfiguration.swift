/// The shape of a 3D vision-transformer autoencoder (LaMIM, MONAI `ViTAutoEnc`), or of a residual network in its place.
package struct EncoderConfiguration: Codable, Sendable, Equatable {
    /// Side of the cubic input in voxels; a multiple of `patchSize`.
    package var imageSize: Int
    /// Side of a cubic patch in voxels; a multiple of 4.
    package var patchSize: Int
    /// Contrasts in and out.
    package var inChannels: Int
    package var outChannels: Int
    /// Width of a token; a multiple of `heads`.
    package var hidden: Int
    package var heads: Int
    package var layers: Int
    /// Width of a block's inner layer.
    package var mlp: Int
    /// Channels between the two transposed convolutions.
    package var deconvolutionChannels: Int
    /// A residual network's stages; nil for a transformer. Its tokens are the voxels of the last stage: `patchSize` is the
    /// number of input voxels that one stands for along an axis, `hidden` its channels, `layers` the blocks.
    package var residual: ResidualStages?
    /// nil: images as they were prepared, as of the published model.
    package var input: InputScale?

    /// A residual network.
    package init(imageSize: Int, inChannels: Int = 4, residual: ResidualStages, input: InputScale? = nil) {
        self.init(
            imageSize: imageSize, patchSize: 1 << residual.widths.count, inChannels: inChannels,
            outChannels: inChannels, hidden: residual.widths.last ?? 0, heads: 1,
            layers: residual.blocks.reduce(0, +), mlp: residual.widths.last ?? 0)
        self.residual = residual
        self.input = input
    }

    package init(
        imageSize: Int, patchSize: Int, inChannels: Int = 4, outChannels: Int = 4, hidden: Int, heads: Int, layers: Int,
        mlp: Int, deconvolutionChannels: Int = 16, input: InputScale? = nil
    ) {
        self.imageSize = imageSize
        self.patchSize = patchSize
        self.inChannels = inChannels
        self.outChannels = outChannels
        self.hidden = hidden
        self.heads = heads
        self.layers = layers
        self.mlp = mlp
        self.deconvolutionChannels = deconvolutionChannels
        self.input = input
    }

    /// Patches along an axis.
    package var grid: Int { imageSize / patchSize }
    /// Patches of a volume.
    package var tokens: Int { grid * grid * grid }
    /// Multiply-adds of a forward pass over a case, without a head: of a transformer the patch embedding, the layers' linear
    /// maps and the attention's two products; of a residual network the convolutions.
    package var products: Int {
        if residual != nil { return residualProducts }
        let layer = 4 * hidden * hidden + 2 * hidden * mlp + 2 * tokens * hidden
        return tokens * (patchValues * hidden + layers * layer)
    }
    /// Width of an attention head.
    package var headDepth: Int { hidden / heads }
    /// Values of a patch: channels × patch³.
    package var patchValues: Int { inChannels * patchSize * patchSize * patchSize }
    /// Values of an input volume: channels × size³.
    package var imageValues: Int { inChannels * imageSize * imageSize * imageSize }
    /// Values of a reconstruction.
    package var outputValues: Int { outChannels * imageSize * imageSize * imageSize }
    /// Strides of the two transposed convolutions, which together undo the patch: 4 and patch / 4.
    package var strides: (first: Int, second: Int) { (4, patchSize / 4) }

    /// Whether the shape can be built.
    /// - Throws: ``EncoderError`` naming the number that does not fit.
    package func validate() throws(EncoderError) {
        let positive = [
            ("image size", imageSize), ("patch size", patchSize), ("input channels", inChannels),
            ("output channels", outChannels), ("hidden size", hidden), ("heads", heads), ("layers", layers),
            ("mlp size", mlp), ("deconvolution channels", deconvolutionChannels),
        ]
        for (name, number) in positive where !(1...65_536).contains(number) {
            throw EncoderError(.configuration, "the encoder's \(name) is \(number): it must lie in 1…65536")
        }
        try input?.validate()
        if let residual {
            try residual.validate()
            guard patchSize == 1 << residual.widths.count, hidden == residual.widths.last else {
                throw EncoderError(.configuration, "the encoder's tokens are not those of its residual stages")
            }
        }
        guard patchSize % 4 == 0 || residual != nil else {
            throw EncoderError(.configuration, "the patch size \(patchSize) is not a multiple of 4")
        }
        guard imageSize % patchSize == 0 else {
            throw EncoderError(
                .configuration, "the image size \(imageSize) is not a multiple of the patch size \(patchSize)")
        }
        guard imageSize <= 512, patchSize <= 64, inChannels <= 64, outChannels <= 64 else {
            throw EncoderError(.configuration, "the encoder's image, patch or channels are larger than 512, 64 or 64")
        }
        guard tokens <= 32_768, layers <= 1024 else {
            throw EncoderError(
                .configuration, "the encoder has \(tokens) tokens and \(layers) layers: at most 32768 and 1024 are run")
        }
        guard hidden % heads == 0 else {
            throw EncoderError(.configuration, "the hidden size \(hidden) is not a multiple of the \(heads) heads")
        }
    }
}

/// A named encoder shape.
package enum Preset: String, CaseIterable, Codable, Sendable {
    /// The published model: 506,112,020 parameters.
    case lamim
    /// ViT-B/16.
    case base
    /// 216 tokens of 8³ voxels at 48³: for tests, demonstrations and modest machines.
    case small
    /// A 3D residual network of 9.2 million parameters, to compare with: it cannot be pretrained here.
    case resnet
    /// A residual network of 0.2 million parameters on the volumes and tokens of `small`.
    case resnetSmall = "resnet-small"

    /// The shape.
    package var configuration: EncoderConfiguration {
        switch self {
        case .lamim:
            EncoderConfiguration(imageSize: 96, patchSize: 16, hidden: 2048, heads: 32, layers: 16, mlp: 3072)
        case .base:
            EncoderConfiguration(
                imageSize: 96, patchSize: 16, hidden: 768, heads: 12, layers: 12, mlp: 3072, input: .brain)
        case .small:
            EncoderConfiguration(
                imageSize: 48, patchSize: 8, hidden: 256, heads: 8, layers: 6, mlp: 1024, input: .brain)
        case .resnet:
            EncoderConfiguration(
                imageSize: 96, residual: ResidualStages(widths: [32, 64, 128, 256], blocks: [2, 2, 3, 2]), input: .brain
            )
        case .resnetSmall:
            EncoderConfiguration(
                imageSize: 48, residual: ResidualStages(widths: [16, 32, 64], blocks: [1, 1, 1]), input: .brain)
        }
    }
}
