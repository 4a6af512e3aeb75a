import Foundation
package import Compute
package import Encoder
package import Training

/// Maps of what a model's predictions rest on, one case at a time. It belongs to one thread.
///
/// What is explained is a class's log-odds, s = z_c − log Σ_{k≠c} exp z_k of the logits z: of two classes the second's map
/// is then the first's with the opposite sign. Absent contrasts take no part.
package final class Explainer {
    package let model: ModelConfiguration
    package let device: Device
    /// Voxels of a token along an axis; of a residual network, of the cubes it is asked about.
    package let patch: Int
    let network: Network
    /// Nothing is trained: gradients go to images and attention only.
    let gradients: Gradients

    /// - Parameters:
    ///   - parameters: the model's, filled.
    ///   - methods: what will be asked of it.
    /// - Throws: ``EncoderError`` when the model has no head, or no attention where a method looks at it.
    package init(_ model: ModelConfiguration, parameters: ParameterStore, methods: [SaliencyMethod])
        throws(EncoderError)
    {
        guard model.head != nil else {
            throw EncoderError(.input, "this model has no classification head: fine-tune it first with `agent fit`")
        }
        let isResidual = model.encoder.residual != nil
        if isResidual, let method = methods.first(where: \.usesAttention) {
            throw EncoderError(
                .input, "a residual network has no attention for \(method.rawValue): use occlusion or gradients")
        }
        self.model = model
        device = parameters.device
        patch = isResidual ? max(model.encoder.imageSize / Self.residualCubes, 1) : model.encoder.patchSize
        network = try Network(
            model, parameters: parameters, batch: Self.batch, training: methods.contains(where: \.usesGradients))
        gradients = try Gradients(Trainable(parameters.layout) { _ in false })
    }

    /// Volumes of one pass of occlusion or gradients.
    package static let batch = 4
    /// Cubes along an axis that a residual network is asked about: about 22 mm in a head of usual size. The edge of its
    /// volumes is a multiple.
    private static let residualCubes = 8

    /// Loads a model to be explained.
    /// - Throws: one sentence saying what keeps it from being explained.
    package convenience init(
        _ file: ModelFile, methods: [SaliencyMethod], precision: Precision, threads: Int?
    ) throws {
        let model = file.description.configuration
        let device = try Device(precision: precision, threads: threads)
        try MemoryEstimate.fit(
            model, precision: precision, batch: Self.batch, threads: device.threads, trained: 0, moments: 0
        ).require(available: MemoryEstimate.available(), advice: "close other programs")
        let store = try ParameterStore(ParameterLayout(model), device: device)
        _ = try file.load(into: store)
        try self.init(model, parameters: store, methods: methods)
    }

    /// Tokens along an axis.
    package var grid: Int { model.encoder.imageSize / patch }

    /// Pooled features of a case, and its logits.
    package func read(_ input: EncoderInput) throws(EncoderError) -> (features: [Float], logits: [Float]) {
        let features = try network.features(input.voxels, count: 1, present: [input.present])
        return (features, try network.classify(features: features, count: 1))
    }

    /// The logits of a case.
    package func logits(_ input: EncoderInput) throws(EncoderError) -> [Float] {
        try network.classify(input.voxels, count: 1, present: [input.present])
    }

    /// A class's log-odds from logits.
    package static func score(_ logits: ArraySlice<Float>, class chosen: Int) -> Float {
        let others = logits.indices.filter { $0 - logits.startIndex != chosen }.map { Double(logits[$0]) }
        return Float(Double(logits[logits.startIndex + chosen]) - logSum(others))
    }

    /// The gradient of ``score(_:class:)``: 1 for the class, minus the softmax among the others.
    static func scoreGradient(_ logits: [Float], class chosen: Int) -> [Float] {
        let total = logSum(logits.indices.filter { $0 != chosen }.map { Double(logits[$0]) })
        return logits.indices.map { $0 == chosen ? 1 : Float(-exp(Double(logits[$0]) - total)) }
    }

    private static func logSum(_ values: [Double]) -> Double {
        let largest = values.max() ?? 0
        return largest + log(values.reduce(0) { $0 + exp($1 - largest) })
    }

    /// The class's log-odds of a case in which some tokens are replaced by what fills their place.
    /// - Parameter replaced: of each question the tokens.
    func scores(_ input: EncoderInput, class chosen: Int, fill: TokenFill, replaced: [ArraySlice<Int>])
        throws(EncoderError) -> [Float]
    {
        let parts = try Parts(self, input, fill)
        var whole: [Float] = []
        var found: [Float] = []
        let classes = model.head?.classes ?? 0
        while found.count < replaced.count {
            let many = min(Self.batch, replaced.count - found.count)
            whole.removeAll(keepingCapacity: true)
            for question in replaced[found.count..<found.count + many] { parts.append(question, to: &whole) }
            let logits =
                parts.areEmbedded
                ? try network.classify(embedded: whole, count: many)
                : try network.classify(whole, count: many, present: Array(repeating: input.present, count: many))
            for i in 0..<many { found.append(Self.score(logits[i * classes..<(i + 1) * classes], class: chosen)) }
        }
        return found
    }

    /// What cases with replaced tokens are put together from. A transformer embeds tokens one by one, so that the case's
    /// and those of the fill are embedded once; a residual network is given volumes.
    private struct Parts {
        let areEmbedded: Bool
        private let original: [Float]
        private let filling: [Float]
        private let fill: TokenFill
        private let hidden: Int

        init(_ explainer: Explainer, _ input: EncoderInput, _ fill: TokenFill) throws(EncoderError) {
            self.fill = fill
            hidden = explainer.model.encoder.hidden
            areEmbedded = explainer.model.encoder.residual == nil
            if areEmbedded {
                original = try explainer.network.embedded(input.voxels, present: input.present)
                filling = try explainer.network.embedded(fill.voxels, present: input.present)
            } else {
                (original, filling) = (input.voxels, fill.voxels)
            }
        }

        /// Appends the case with some tokens replaced.
        func append(_ tokens: some Sequence<Int>, to whole: inout [Float]) {
            let start = whole.count
            whole += original
            guard areEmbedded else { return fill.move(tokens, from: filling, into: &whole, at: start) }
            for token in tokens {
                for i in token * hidden..<(token + 1) * hidden { whole[start + i] = filling[i] }
            }
        }
    }

    /// A map of a case and what is known of it.
    package struct Explanation: Sendable {
        package var map: SaliencyMap
        /// For ``SaliencyMethod/gradients``: how far the map's sum is from the change of the score, as a share of that.
        package var incompleteness: Double?
    }

    /// The map of a class.
    package func explain(_ input: EncoderInput, class chosen: Int, by method: SaliencyMethod)
        throws(EncoderError) -> Explanation
    {
        switch method {
        case .occlusion: Explanation(map: try occlusion(input, class: chosen, fill: fill(of: input)))
        case .coarseToFine: Explanation(map: try coarseToFine(input, class: chosen, fill: fill(of: input)))
        case .relevance, .gradcam:
            Explanation(map: try attention(input, class: chosen, by: method))
        case .gradients: try integrated(input, class: chosen, from: fill(of: input).voxels)
        }
    }

    /// What tokens of a case are replaced by.
    package func fill(of input: EncoderInput) -> TokenFill {
        TokenFill(of: input.voxels, present: input.present, size: model.encoder.imageSize, patch: patch)
    }

    /// What each contrast adds to a class's log-odds: the change when it is declared absent.
    /// - Returns: one a channel, nil for absent ones; all nil where the case has a single contrast.
    package func contributions(_ input: EncoderInput, class chosen: Int) throws(EncoderError) -> [Float?] {
        let channels = input.present.indices.filter { input.present[$0] }
        guard channels.count > 1 else { return input.present.map { _ in nil } }
        let whole = Self.score(try logits(input)[...], class: chosen)
        let count = input.voxels.count / input.present.count
        var found: [Float?] = input.present.map { _ in nil }
        for channel in channels {
            var other = input
            other.present[channel] = false
            for i in channel * count..<(channel + 1) * count { other.voxels[i] = 0 }
            found[channel] = whole - Self.score(try logits(other)[...], class: chosen)
        }
        return found
    }
}
