/// One tensor of the model within the flat vector of parameters.
package struct Parameter: Sendable, Equatable {
    /// Key of the state dict, LaMIM's names (LAMIM §2).
    package let name: String
    package let shape: [Int]
    /// First element in the flat vector.
    package let offset: Int
    /// Multiplied in the device's precision; all others stay fp32 in every precision.
    package let isMatrix: Bool
    /// How it starts.
    package let initial: Initial

    /// Initial values (LAMIM §4).
    package enum Initial: Sendable, Equatable {
        case zero, one
        /// Uniform in ±bound.
        case uniform(Float)
        /// Normal with a standard deviation.
        case normal(Float)
    }

    /// Number of values.
    package var count: Int { shape.reduce(1, *) }
    /// Its place in the flat vector.
    package var range: Range<Int> { offset..<offset + count }
}

/// Names, shapes and places of all parameters: the encoder in state-dict order, the vectors for absent contrasts, the
/// head, the decoder of masked pretraining.
package struct ParameterLayout: Sendable {
    package let parameters: [Parameter]
    /// Number of values of all parameters.
    package let count: Int
    private let indices: [String: Int]

    /// Key of the vectors that stand for absent contrasts: (channels, hidden), ours, zero in imported weights.
    package static let absentContrasts = "absent_contrasts"

    /// What the names of the decoder of masked pretraining begin with.
    package static let maskDecoder = "mask_decoder."

    package init(_ model: ModelConfiguration) {
        var builder = Builder()
        if let residual = model.encoder.residual {
            builder.add(residual: ResidualPlan(residual, model.encoder))
        } else {
            builder.add(encoder: model.encoder)
        }
        if let head = model.head { builder.add(head: head, of: model.encoder) }
        if let decoder = model.maskDecoder { builder.add(maskDecoder: decoder, of: model.encoder) }
        parameters = builder.parameters
        count = builder.offset
        indices = Dictionary(uniqueKeysWithValues: parameters.enumerated().map { ($1.name, $0) })
    }

    /// The parameter of a name.
    package subscript(_ name: String) -> Parameter? { indices[name].map { parameters[$0] } }

    /// The index of a name in ``parameters``.
    package func index(of name: String) -> Int? { indices[name] }
}

private struct Builder {
    var parameters: [Parameter] = []
    var offset = 0

    mutating func add(_ name: String, _ shape: [Int], _ initial: Parameter.Initial, matrix: Bool = false) {
        let parameter = Parameter(name: name, shape: shape, offset: offset, isMatrix: matrix, initial: initial)
        parameters.append(parameter)
        // Every tensor starts on a 64-byte line, in fp32 and in 16-bit planes.
        offset += (parameter.count + 31) / 32 * 32
    }

    mutating func add(norm name: String, _ width: Int) {
        add("\(name).weight", [width], .one)
        add("\(name).bias", [width], .zero)
    }

    /// PyTorch's default for linear layers: weight and bias uniform within ±1/√(inputs).
    mutating func add(linear name: String, _ outputs: Int, _ inputs: Int, bias: Bool = true, matrix: Bool) {
        let bound = 1 / Float(inputs).squareRoot()
        add("\(name).weight", [outputs, inputs], .uniform(bound), matrix: matrix)
        if bias { add("\(name).bias", [outputs], .uniform(bound)) }
    }

    mutating func add(encoder e: EncoderConfiguration) {
        let p = e.patchSize
        let h = e.hidden
        add("patch_embedding.position_embeddings", [1, e.tokens, h], .normal(0.02))
        let patch = 1 / Float(e.patchValues).squareRoot()
        add("patch_embedding.patch_embeddings.weight", [h, e.inChannels, p, p, p], .uniform(patch), matrix: true)
        add("patch_embedding.patch_embeddings.bias", [h], .uniform(patch))
        for i in 0..<e.layers { add(block: "blocks.\(i)", h, mlp: e.mlp) }
        add(norm: "norm", h)
        // PyTorch counts the outputs of a transposed convolution as its fan-in.
        let (s1, s2) = e.strides
        let d = e.deconvolutionChannels
        let first = 1 / Float(d * s1 * s1 * s1).squareRoot()
        add("conv3d_transpose.weight", [h, d, s1, s1, s1], .uniform(first), matrix: true)
        add("conv3d_transpose.bias", [d], .uniform(first))
        let second = 1 / Float(e.outChannels * s2 * s2 * s2).squareRoot()
        add("conv3d_transpose_1.weight", [d, e.outChannels, s2, s2, s2], .uniform(second), matrix: true)
        add("conv3d_transpose_1.bias", [e.outChannels], .uniform(second))
        add(ParameterLayout.absentContrasts, [e.inChannels, h], .zero)
    }

    /// Weights of a convolution are (outputs, kernel, kernel, kernel, inputs), drawn for ReLU (He et al., ICCV 2015).
    mutating func add(residual plan: ResidualPlan) {
        for c in plan.convolutions {
            let taps = c.kernel * c.kernel * c.kernel * c.inputs
            add(
                "\(c.name).weight", [c.outputs, c.kernel, c.kernel, c.kernel, c.inputs],
                .normal((2 / Float(taps)).squareRoot()))
            add(norm: "\(c.name).norm", c.outputs)
        }
    }

    private mutating func add(block name: String, _ h: Int, mlp: Int) {
        add(linear: "\(name).mlp.linear1", mlp, h, matrix: true)
        add(linear: "\(name).mlp.linear2", h, mlp, matrix: true)
        add(norm: "\(name).norm1", h)
        add(linear: "\(name).attn.out_proj", h, h, matrix: true)
        add(linear: "\(name).attn.qkv", 3 * h, h, bias: false, matrix: true)
        add(norm: "\(name).norm2", h)
    }

    mutating func add(maskDecoder d: MaskDecoder, of e: EncoderConfiguration) {
        let name = ParameterLayout.maskDecoder
        add(linear: "\(name)embed", d.hidden, e.hidden, matrix: true)
        add("\(name)mask_token", [d.hidden], .normal(0.02))
        add("\(name)position_embeddings", [1, e.tokens, d.hidden], .normal(0.02))
        for i in 0..<d.layers { add(block: "\(name)blocks.\(i)", d.hidden, mlp: d.mlp) }
        add(norm: "\(name)norm", d.hidden)
        add(linear: "\(name)predict", e.patchValues, d.hidden, matrix: true)
    }

    mutating func add(head: Head, of e: EncoderConfiguration) {
        switch head {
        case .lamim(let widths):
            var inputs = head.features(of: e)
            for (i, width) in widths.enumerated() {
                add(linear: "FC.\(2 * i)", width, inputs, matrix: false)
                inputs = width
            }
        case .mean(let classes), .peak(let classes):
            let features = head.features(of: e)
            add(norm: "head.norm", features)
            add(linear: "head.linear", classes, features, matrix: false)
        }
    }
}
