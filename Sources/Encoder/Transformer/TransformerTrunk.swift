import CKernels
import Compute

/// The encoder of LAMIM §3: a patch embedding and transformer blocks.
final class TransformerTrunk: Trunk {
    let encoder: EncoderConfiguration
    let parameters: any ParameterSource
    /// Tokens of a case that the blocks see: all, or as many as are shown to it.
    let tokens: Int
    let device: Device
    let stack: BlockStack
    let embedding: EmbeddingIndices
    /// Patches of the last forward pass, (batch × tokens, channels × patch³) in the device's activation type.
    let patches: Buffer<UInt8>
    let scaledInput: ScaledInput?
    /// Cases of the last forward pass, and which contrasts each lacked.
    private(set) var current = 0
    private(set) var absent: [[Int]] = []
    /// The tokens of the last forward pass, (count × ``tokens``), where not all are shown.
    private(set) var visible: [Int32]?

    /// - Parameter tokens: tokens of a case that are shown, where not all are; see ``MaskedAutoencoder``.
    init(
        _ encoder: EncoderConfiguration, parameters: any ParameterSource, batch: Int, training: Bool, tokens: Int?
    ) throws(EncoderError) {
        let shown = tokens ?? encoder.tokens
        self.encoder = encoder
        self.parameters = parameters
        self.tokens = shown
        device = parameters.device
        embedding = EmbeddingIndices(parameters.layout)
        stack = try BlockStack(
            BlockShape(
                tokens: shown, hidden: encoder.hidden, heads: encoder.heads, layers: encoder.layers, mlp: encoder.mlp),
            prefix: "blocks.", parameters: parameters, batch: batch, training: training)
        let bytes = batch * shown * encoder.patchValues * parameters.device.precision.bytes
        patches = try computed { () throws(ComputeError) in try Buffer(count: bytes) }
        scaledInput = try computed { () throws(ComputeError) in try ScaledInput(encoder) }
    }

    var output: UnsafeMutablePointer<Float> { stack.activations.output }

    func forward(_ images: UnsafePointer<Float>, count: Int, present: [[Bool]]?) throws(EncoderError) {
        try forward(images, count: count, present: present, visible: nil)
    }

    /// - Parameter visible: the tokens shown of each case, (count × ``tokens``); all when nil.
    func forward(_ images: UnsafePointer<Float>, count: Int, present: [[Bool]]?, visible: [Int32]?)
        throws(EncoderError)
    {
        precondition((visible?.count ?? count * encoder.tokens) == count * tokens, "not \(tokens) tokens of a case")
        begin(count, present, visible)
        try embed(images, count: count, present: present)
        try stack.forward(count: count)
    }

    private func begin(_ count: Int, _ present: [[Bool]]?, _ visible: [Int32]?) {
        current = count
        self.visible = visible
        absent = (0..<count).map { i in
            guard let present else { return [] }
            return present[i].indices.filter { !present[i][$0] }
        }
    }

    /// The tokens of a case before the first block, (tokens, hidden).
    func embedded(_ images: UnsafePointer<Float>, present: [Bool]) throws(EncoderError) -> [Float] {
        begin(1, [present], nil)
        try embed(images, count: 1, present: [present])
        return Array(UnsafeBufferPointer(start: stack.input, count: tokens * encoder.hidden))
    }

    /// Goes on from tokens that were embedded before, (count × ``tokens``, hidden); nothing can be trained from it.
    func forward(embedded: UnsafePointer<Float>, count: Int) throws(EncoderError) {
        stack.input.update(from: embedded, count: count * tokens * encoder.hidden)
        try stack.forward(count: count)
    }

    func outputGradient() throws(EncoderError) -> UnsafeMutablePointer<Float> { try stack.requireGradients().sum }

    func isTrained(_ trainable: Trainable) -> Bool { lowestVisited(trainable, everything: false) != nil }

    /// Blocks below the lowest trained parameter are not visited, unless images or attention are asked for.
    func backward(
        into out: Gradients, accumulate: Bool, images: UnsafeMutablePointer<Float>?,
        attention: ((_ block: Int, _ gradient: UnsafePointer<Float>) -> Void)?
    ) throws(EncoderError) {
        let isAsked = images != nil || attention != nil
        guard let lowest = lowestVisited(out.trainable, everything: isAsked) else { return }
        let g = try stack.requireGradients()
        var probabilities: Buffer<Float>?
        if attention != nil {
            let count = current * encoder.heads * tokens * tokens
            probabilities = try computed { () throws(ComputeError) in try Buffer(count: count) }
        }
        for i in stack.indices.indices.reversed() where i >= lowest {
            try stack.backward(
                block: i, count: current, g, into: out, accumulate: accumulate, probabilityGradient: probabilities?.base
            )
            if let probabilities { attention?(i, probabilities.base) }
        }
        guard lowest < 0 else { return }
        try embedBackward(g, into: out, accumulate: accumulate)
        guard let images else { return }
        try imageGradient(g, into: images)
        scaledInput?.backward(images, cases: current)
    }

    /// The lowest block with something to train at or below it: -1 the embedding, nil nothing.
    private func lowestVisited(_ trainable: Trainable, everything: Bool) -> Int? {
        if everything || embedding.all.contains(where: { trainable.offset(of: $0) != nil }) { return -1 }
        return stack.indices.firstIndex { $0.all.contains { trainable.offset(of: $0) != nil } }
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
