import Encoder

/// What a model is shown of a case.
struct ShownPart {
    /// (contrasts, size³)
    let view: [Float]
    /// The tokens shown and the voxels that are not, where tokens are hidden.
    var visible: [Int32] = []
    var hidden: [Bool]?

    /// The error of a restored case.
    func distance(_ restored: [Float], _ input: EncoderInput) -> Double {
        let channel = input.voxels.count / input.present.count
        let contrasts = input.present.indices.filter { input.present[$0] }
        var sum = 0.0
        var counted = 0
        for i in 0..<channel {
            if let hidden {
                guard hidden[i], contrasts.contains(where: { input.voxels[$0 * channel + i] != 0 }) else { continue }
            }
            for contrast in contrasts {
                sum += Double(abs(restored[contrast * channel + i] - input.voxels[contrast * channel + i]))
            }
            counted += contrasts.count
        }
        return counted == 0 && sum == 0 ? 0 : sum / Double(counted)
    }
}

/// A network that restores one case.
enum Restorer {
    case decoder(Network)
    case masked(MaskedAutoencoder)

    init(_ objective: PretrainingObjective, _ model: ModelConfiguration, _ store: ParameterStore) throws {
        self =
            if objective.scheme == nil {
                .masked(
                    try MaskedAutoencoder(
                        model, parameters: store, batch: 1, training: false, shown: TokenMask(model.encoder).shown))
            } else {
                .decoder(try Network(model, parameters: store, batch: 1, training: false))
            }
    }

    func restore(_ part: ShownPart, present: [Bool]) throws -> [Float] {
        switch self {
        case .decoder(let network): Array(try network.reconstruct(part.view, count: 1, present: [present]))
        case .masked(let network): try network.restore(part.view, visible: part.visible, present: present)
        }
    }
}
