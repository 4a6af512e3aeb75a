import CKernels
import Compute

/// The encoder with its head, run forward and backward.
///
/// Images are (batch, channels, size, size, size) fp32, last axis fastest; a token is a row, token n = (a·g + b)·g + c for
/// the patch at (a, b, c) of the g³ grid. The formulas are those of LAMIM §3 and §7. A network belongs to one thread.
///
/// ```swift
/// let network = try Network(model, parameters: store, batch: 2, training: true)
/// let logits = try network.classify(images, batch: 2)
/// let loss = CrossEntropy(weights: nil).evaluate(logits, labels: [0, 1])
/// try network.backward(logitGradient: loss.gradient, into: gradients)
/// ```
package final class Network {
    package let model: ModelConfiguration
    package let parameters: any ParameterSource
    /// The most cases of one call.
    package let batch: Int
    /// Whether activations are kept for a backward pass.
    package let training: Bool
    let device: Device
    let activations: Activations
    let gradients: ActivationGradients?
    let blocks: [BlockIndices]
    let embedding: EmbeddingIndices
    /// Cases of the last forward pass, and which contrasts each had.
    var current = 0
    var absent: [[Int]] = []
    /// What the head keeps of the last forward pass.
    var headTape: HeadTape?
    /// What the decoder keeps.
    var decoderTape: DecoderTape?

    /// - Parameters:
    ///   - batch: the most cases of one call; packed parameters take one.
    ///   - training: keep activations, so that `backward` can follow.
    /// - Throws: ``EncoderError`` when the shape cannot be built or the memory is not there.
    package init(_ model: ModelConfiguration, parameters: any ParameterSource, batch: Int, training: Bool)
        throws(EncoderError)
    {
        try model.validate()
        self.model = model
        self.parameters = parameters
        self.batch = batch
        self.training = training
        device = parameters.device
        let layout = parameters.layout
        blocks = (0..<model.encoder.layers).map { BlockIndices(layout, $0) }
        embedding = EmbeddingIndices(layout)
        do throws(ComputeError) {
            activations = try Activations(
                model.encoder, batch: batch, precision: device.precision, training: training)
            gradients =
                training
                ? try ActivationGradients(model.encoder, batch: batch, precision: device.precision) : nil
        } catch { throw EncoderError(error) }
    }

    /// Runs the patch embedding and the blocks.
    ///
    /// - Parameters:
    ///   - images: (count, channels, size³); absent contrasts are zero.
    ///   - count: cases, 1…`batch`.
    ///   - present: for each case, which contrasts it has; all when nil.
    func encode(
        _ images: UnsafePointer<Float>, count: Int, present: [[Bool]]?
    ) throws(EncoderError) {
        precondition((1...batch).contains(count), "a network of batch \(batch) got \(count) cases")
        current = count
        absent = (0..<count).map { i in
            guard let present else { return [] }
            return present[i].indices.filter { !present[i][$0] }
        }
        try embed(images, count: count)
        for i in blocks.indices { try forward(block: i, count: count) }
    }

    /// The output (rows, hidden) of a block of the last forward pass; in inference only that of the block just run.
    func output(of block: Int) -> UnsafeMutablePointer<Float> {
        block + 1 < activations.blocks.count ? activations.blocks[block + 1].input : activations.output
    }

    /// Wraps a computation's failure.
    func run<R>(_ body: () throws(ComputeError) -> R) throws(EncoderError) -> R {
        do { return try body() } catch { throw EncoderError(error) }
    }
}

/// Indices of a block's parameters in the layout.
struct BlockIndices {
    let linear1, linear1Bias, linear2, linear2Bias, norm1, norm1Bias, out, outBias, qkv, norm2, norm2Bias: Int

    init(_ layout: ParameterLayout, _ block: Int) {
        func index(_ name: String) -> Int { layout.position("blocks.\(block).\(name)") }
        linear1 = index("mlp.linear1.weight")
        linear1Bias = index("mlp.linear1.bias")
        linear2 = index("mlp.linear2.weight")
        linear2Bias = index("mlp.linear2.bias")
        norm1 = index("norm1.weight")
        norm1Bias = index("norm1.bias")
        out = index("attn.out_proj.weight")
        outBias = index("attn.out_proj.bias")
        qkv = index("attn.qkv.weight")
        norm2 = index("norm2.weight")
        norm2Bias = index("norm2.bias")
    }

    /// All of them.
    var all: [Int] {
        [linear1, linear1Bias, linear2, linear2Bias, norm1, norm1Bias, out, outBias, qkv, norm2, norm2Bias]
    }
}

/// Indices of the patch embedding's parameters.
struct EmbeddingIndices {
    let position, weight, bias, absent: Int

    init(_ layout: ParameterLayout) {
        position = layout.position("patch_embedding.position_embeddings")
        weight = layout.position("patch_embedding.patch_embeddings.weight")
        bias = layout.position("patch_embedding.patch_embeddings.bias")
        absent = layout.position(ParameterLayout.absentContrasts)
    }

    var all: [Int] { [position, weight, bias, absent] }
}

extension ParameterLayout {
    /// The index of a name that the layout is known to have.
    func position(_ name: String) -> Int {
        guard let index = index(of: name) else { preconditionFailure("the layout has no parameter \(name)") }
        return index
    }
}
