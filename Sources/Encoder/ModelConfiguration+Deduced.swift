import Weights

extension ModelConfiguration {
    /// The shape of a published or imported model, from its tensors' shapes.
    ///
    /// The number of attention heads leaves no trace in them: every published shape has heads of 64 values.
    /// - Throws: ``EncoderError`` naming the tensor that is missing or has an impossible shape.
    init(deducedFrom file: SafetensorsFile) throws(EncoderError) {
        func shape(_ name: String, rank: Int) throws(EncoderError) -> [Int] {
            guard let tensor = file.tensor(name) else {
                throw EncoderError(
                    .weights,
                    "\(file.path) has no tensor \(name): it holds no weights of this encoder; give a "
                        + "model.safetensors, or a file made by import-weights")
            }
            guard tensor.shape.count == rank, tensor.shape.allSatisfy({ (1...1 << 24).contains($0) }) else {
                throw EncoderError(
                    .weights,
                    "\(file.path): the tensor \(name) has shape \(tensor.shape), expected \(rank) sizes: these are "
                        + "not weights of this encoder")
            }
            return tensor.shape
        }
        let position = try shape("patch_embedding.position_embeddings", rank: 3)
        let patch = try shape("patch_embedding.patch_embeddings.weight", rank: 5)
        let mlp = try shape("blocks.0.mlp.linear1.weight", rank: 2)
        let first = try shape("conv3d_transpose.weight", rank: 5)
        let second = try shape("conv3d_transpose_1.weight", rank: 5)
        var layers = 1
        while layers < 1024, file.tensor("blocks.\(layers).norm1.weight") != nil { layers += 1 }
        guard let grid = (1...128).first(where: { $0 * $0 * $0 == position[1] }) else {
            throw EncoderError(
                .weights,
                "\(file.path) has position embeddings for \(position[1]) tokens, which fill no cube: these "
                    + "are not weights of this encoder")
        }
        let hidden = position[2]
        let encoder = EncoderConfiguration(
            imageSize: grid * patch[2], patchSize: patch[2], inChannels: patch[1], outChannels: second[1],
            hidden: hidden, heads: max(hidden / 64, 1), layers: layers, mlp: mlp[0],
            deconvolutionChannels: first[1])
        try encoder.validate()
        self.init(encoder: encoder, head: try Self.head(of: file))
    }

    private static func head(of file: SafetensorsFile) throws(EncoderError) -> Head? {
        var widths: [Int] = []
        while widths.count < 16, let width = file.tensor("FC.\(2 * widths.count).weight")?.shape.first {
            widths.append(width)
        }
        guard !widths.isEmpty else { return nil }
        let head = Head.lamim(widths: widths)
        try head.validate()
        return head
    }
}
