/// Stages of a 3D residual network: a stem that halves the volume, then stages of basic blocks, each stage but the first
/// halving it again (He et al., CVPR 2016), group normalisation by neighbours of eight channels (Wu and He, ECCV 2018).
package struct ResidualStages: Codable, Sendable, Equatable {
    /// Channels of each stage, multiples of 8.
    package var widths: [Int]
    /// Blocks of each stage.
    package var blocks: [Int]

    package init(widths: [Int], blocks: [Int]) {
        self.widths = widths
        self.blocks = blocks
    }

    func validate() throws(EncoderError) {
        guard (1...6).contains(widths.count), blocks.count == widths.count,
            widths.allSatisfy({ $0 % 8 == 0 && (8...4096).contains($0) }), blocks.allSatisfy({ (1...64).contains($0) })
        else {
            throw EncoderError(
                .configuration,
                "a residual network of widths \(widths) and blocks \(blocks) cannot be built: it needs 1…6 stages of 1…64 "
                    + "blocks, 8…4096 channels wide in multiples of 8")
        }
    }
}

/// A convolution without bias and the normalisation after it.
struct ResidualConvolution: Sendable, Equatable {
    /// Beginning of its parameters' names: `NAME.weight`, `NAME.norm.weight`, `NAME.norm.bias`.
    let name: String
    /// Side of its input.
    let size: Int
    let inputs: Int
    let outputs: Int
    let kernel: Int
    let stride: Int

    /// Side of its output.
    var resultSize: Int { (size - 1) / stride + 1 }
    /// Values of a case's output.
    var results: Int { resultSize * resultSize * resultSize * outputs }
    /// Values of a case's input.
    var values: Int { size * size * size * inputs }
    /// Neighbouring channels that are normalised together.
    static let groupWidth = 8
    var groups: Int { outputs / Self.groupWidth }
}

/// Two convolutions and the sum with the block's input, brought to the same shape where it has another.
struct ResidualBlock: Sendable, Equatable {
    let first: ResidualConvolution
    let second: ResidualConvolution
    let shortcut: ResidualConvolution?

    var all: [ResidualConvolution] { [first, second] + (shortcut.map { [$0] } ?? []) }
}

/// The convolutions of a residual network in the order they are run.
struct ResidualPlan: Sendable, Equatable {
    let stem: ResidualConvolution
    let blocks: [ResidualBlock]

    init(_ stages: ResidualStages, _ encoder: EncoderConfiguration) {
        stem = ResidualConvolution(
            name: "stem", size: encoder.imageSize, inputs: encoder.inChannels, outputs: stages.widths[0], kernel: 3,
            stride: 2)
        var blocks: [ResidualBlock] = []
        var (size, channels) = (stem.resultSize, stem.outputs)
        for (i, width) in stages.widths.enumerated() {
            for j in 0..<stages.blocks[i] {
                let name = "stages.\(i).\(j)"
                let stride = i > 0 && j == 0 ? 2 : 1
                let first = ResidualConvolution(
                    name: "\(name).first", size: size, inputs: channels, outputs: width, kernel: 3, stride: stride)
                let second = ResidualConvolution(
                    name: "\(name).second", size: first.resultSize, inputs: width, outputs: width, kernel: 3, stride: 1)
                let shortcut = ResidualConvolution(
                    name: "\(name).shortcut", size: size, inputs: channels, outputs: width, kernel: 1, stride: stride)
                blocks.append(
                    ResidualBlock(
                        first: first, second: second, shortcut: stride == 1 && channels == width ? nil : shortcut))
                (size, channels) = (first.resultSize, width)
            }
        }
        self.blocks = blocks
    }

    var convolutions: [ResidualConvolution] { [stem] + blocks.flatMap(\.all) }
    /// Values of the largest output of a case.
    var largest: Int { convolutions.map(\.results).max() ?? 0 }
}

extension EncoderConfiguration {
    /// Bytes of a residual network's activations of a case, and of their gradients where it is trained; 0 for a
    /// transformer.
    package func residualBytes(training: Bool) -> Int {
        guard let residual else { return 0 }
        let plan = ResidualPlan(residual, self)
        let kept = plan.stem.values + plan.convolutions.reduce(0) { $0 + 2 * $1.results }
        return 4 * (kept + (training ? 4 * plan.largest : 0))
    }

    /// Multiply-adds of a residual network's forward pass over a case; 0 for a transformer.
    package var residualProducts: Int {
        guard let residual else { return 0 }
        return ResidualPlan(residual, self).convolutions.reduce(0) {
            $0 + $1.results * $1.inputs * $1.kernel * $1.kernel * $1.kernel
        }
    }
}
