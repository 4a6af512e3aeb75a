/// What turns the last block's tokens into class scores.
package enum Head: Codable, Sendable, Equatable {
    /// The published head: average of 3 tokens × 3 features, then linear layers with ReLU between them; `widths` are
    /// their outputs, the last one the number of classes (LAMIM §7: 128, 64, 2). Its parameters are `FC.0`, `FC.2`, ….
    case lamim(widths: [Int])
    /// Mean over the tokens, LayerNorm, one linear layer.
    case mean(classes: Int)
    /// Mean over the tokens and, of each feature, its highest value in any token; LayerNorm over both, one linear layer.
    /// What few tokens show, such as a tumour, is not averaged away.
    case peak(classes: Int)

    /// The published head for a number of classes.
    package static func published(classes: Int) -> Head { .lamim(widths: [128, 64, classes]) }

    /// Number of classes.
    package var classes: Int {
        switch self {
        case .lamim(let widths): widths.last ?? 0
        case .mean(let classes), .peak(let classes): classes
        }
    }

    /// Values the head's own layers see of a case, once the tokens are pooled.
    package func features(of encoder: EncoderConfiguration) -> Int {
        switch self {
        case .lamim: (encoder.tokens / 3) * (encoder.hidden / 3)
        case .mean: encoder.hidden
        case .peak: 2 * encoder.hidden
        }
    }

    /// Whether pooled features go through LayerNorm first.
    var isNormalised: Bool {
        switch self {
        case .lamim: false
        case .mean, .peak: true
        }
    }

    /// Whether the head can be built.
    package func validate() throws(EncoderError) {
        let sizes: [Int]
        switch self {
        case .lamim(let widths): sizes = widths
        case .mean(let classes), .peak(let classes): sizes = [classes]
        }
        guard !sizes.isEmpty, sizes.allSatisfy({ (1...65_536).contains($0) }), classes >= 2 else {
            throw EncoderError(.configuration, "a head needs at least two classes and layers of 1…65536 values")
        }
    }
}

/// The decoder of masked pretraining: narrow blocks over all tokens, those not shown to the encoder as one learned mask
/// token (He et al., CVPR 2022).
package struct MaskDecoder: Codable, Sendable, Equatable {
    /// Width of a token; a multiple of `heads`.
    package var hidden: Int
    package var heads: Int
    package var layers: Int
    package var mlp: Int

    /// Two blocks of half the encoder's width.
    package init(of encoder: EncoderConfiguration) {
        hidden = encoder.heads * ((encoder.headDepth + 1) / 2)
        heads = encoder.heads
        layers = 2
        mlp = (encoder.mlp + 1) / 2
    }

    /// Whether the decoder can be built.
    package func validate() throws(EncoderError) {
        guard [hidden, heads, mlp].allSatisfy({ (1...65_536).contains($0) }), (1...1024).contains(layers),
            hidden % heads == 0
        else {
            throw EncoderError(
                .configuration, "a decoder of \(layers) blocks, \(hidden) wide with \(heads) heads, cannot be built")
        }
    }
}

/// A model: the encoder and, when it classifies, a head; while it is pretrained by masking, that decoder.
package struct ModelConfiguration: Codable, Sendable, Equatable {
    package var encoder: EncoderConfiguration
    package var head: Head?
    package var maskDecoder: MaskDecoder?

    package init(encoder: EncoderConfiguration, head: Head?, maskDecoder: MaskDecoder? = nil) {
        self.encoder = encoder
        self.head = head
        self.maskDecoder = maskDecoder
    }

    /// Whether the model can be built.
    /// - Throws: ``EncoderError`` naming what does not fit.
    package func validate() throws(EncoderError) {
        try encoder.validate()
        try maskDecoder?.validate()
        guard let head else { return }
        try head.validate()
        guard head.features(of: encoder) > 0 else {
            throw EncoderError(
                .configuration,
                "the published head needs at least 3 tokens of 3 values, not \(encoder.tokens) of \(encoder.hidden)")
        }
    }
}
