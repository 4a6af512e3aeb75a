import CKernels
import CMathBackends
import Compute

/// A 3D residual network in fp32, whatever the device's precision: the comparator of the encoder. Volumes are kept channels
/// last; the last stage's voxels are its tokens. Absent contrasts are zeros to it.
final class ResidualTrunk: Trunk {
    private let parameters: any ParameterSource
    private let device: Device
    private let stem: Layer
    private let blocks: [Block]
    /// The images channels last.
    private let input: Buffer<Float>
    private let scaledInput: ScaledInput?
    /// Gradients on their way down: of a block's output, and three for what lies within it.
    private let gradients: [Buffer<Float>]
    private var current = 0

    /// A convolution's places.
    private struct Layer {
        let shape: ResidualConvolution
        let weight, scale, shift: Int
        /// What the convolution made, and that after normalisation, sum and ReLU.
        let made, output: Buffer<Float>
        /// (cases, groups)
        let mean, rstd: Buffer<Float>
    }

    private struct Block {
        let first, second: Layer
        let shortcut: Layer?
    }

    init(
        _ encoder: EncoderConfiguration, _ plan: ResidualPlan, parameters: any ParameterSource, batch: Int,
        training: Bool
    ) throws(EncoderError) {
        self.parameters = parameters
        device = parameters.device
        let layout = parameters.layout
        func layer(_ shape: ResidualConvolution) throws(ComputeError) -> Layer {
            Layer(
                shape: shape, weight: layout.position("\(shape.name).weight"),
                scale: layout.position("\(shape.name).norm.weight"), shift: layout.position("\(shape.name).norm.bias"),
                made: try Buffer(count: batch * shape.results), output: try Buffer(count: batch * shape.results),
                mean: try Buffer(count: batch * shape.groups), rstd: try Buffer(count: batch * shape.groups))
        }
        var blocks: [Block] = []
        var gradients: [Buffer<Float>] = []
        do throws(ComputeError) {
            input = try Buffer(count: batch * plan.stem.values)
            scaledInput = try ScaledInput(encoder)
            stem = try layer(plan.stem)
            for block in plan.blocks {
                var shortcut: Layer?
                if let shape = block.shortcut { shortcut = try layer(shape) }
                blocks.append(Block(first: try layer(block.first), second: try layer(block.second), shortcut: shortcut))
            }
            if training {
                for _ in 0..<4 { gradients.append(try Buffer(count: batch * plan.largest)) }
            }
        } catch { throw EncoderError(error) }
        self.blocks = blocks
        self.gradients = gradients
    }

    var output: UnsafeMutablePointer<Float> { output(before: blocks.count) }

    /// What a block takes: the output of the one before, or the stem's.
    private func output(before block: Int) -> UnsafeMutablePointer<Float> {
        (block == 0 ? stem : blocks[block - 1].second).output.base
    }

    func isTrained(_ trainable: Trainable) -> Bool {
        ([stem] + blocks.flatMap { [$0.first, $0.second] + ($0.shortcut.map { [$0] } ?? []) }).contains {
            [$0.weight, $0.scale, $0.shift].contains { trainable.offset(of: $0) != nil }
        }
    }

    func outputGradient() throws(EncoderError) -> UnsafeMutablePointer<Float> {
        guard let first = gradients.first else {
            throw EncoderError(.input, "this network was made for inference and keeps nothing for gradients")
        }
        return first.base
    }

    func forward(_ images: UnsafePointer<Float>, count: Int, present: [[Bool]]?) throws(EncoderError) {
        current = count
        let shape = stem.shape
        for i in 0..<count {
            let own = images + i * shape.values
            let image = scaledInput?.scaled(own, present: present?[i]) ?? own
            ck_transpose_bias(
                device.team, image, nil, input.base + i * shape.values, 0, 1, shape.inputs, shape.values / shape.inputs)
        }
        try run(stem, input.base, residual: nil, relu: true)
        for (i, block) in blocks.enumerated() {
            let x = output(before: i)
            if let shortcut = block.shortcut { try run(shortcut, x, residual: nil, relu: false) }
            try run(block.first, x, residual: nil, relu: true)
            try run(
                block.second, block.first.output.base, residual: block.shortcut?.output.base ?? x, relu: true)
        }
    }

    /// output = normalised convolution of x (+ residual), not below 0 when `relu`.
    private func run(_ layer: Layer, _ x: UnsafePointer<Float>, residual: UnsafePointer<Float>?, relu: Bool)
        throws(EncoderError)
    {
        try computed { () throws(ComputeError) in
            try device.convolve(convolution(layer), x, weights: parameters.vector(layer.weight), into: layer.made.base)
        }
        var groups = norm(layer)
        try memory(
            ck_groupnorm_forward(
                device.team, &groups, layer.made.base, parameters.vector(layer.scale), parameters.vector(layer.shift),
                residual, relu ? 1 : 0, layer.output.base, layer.mean.base, layer.rstd.base))
    }

    func backward(
        into out: Gradients, accumulate: Bool, images: UnsafeMutablePointer<Float>?,
        attention: ((_ block: Int, _ gradient: UnsafePointer<Float>) -> Void)?
    ) throws(EncoderError) {
        guard attention == nil else {
            throw EncoderError(.input, "a residual network has no attention")
        }
        _ = try outputGradient()
        var g = gradients[0].base
        let a = gradients[1].base
        let b = gradients[2].base
        var next = gradients[3].base
        for (i, block) in blocks.enumerated().reversed() {
            let (first, second) = (block.first, block.second)
            let x = output(before: i)
            // `g` becomes the gradient of the sum, which goes to both its parts.
            try normBackward(second, g, into: a, residual: g, relu: true, out, accumulate)
            try weights(second, first.output.base, a, out, accumulate)
            try data(second, a, into: b)
            try normBackward(first, b, into: a, residual: nil, relu: true, out, accumulate)
            try weights(first, x, a, out, accumulate)
            try data(first, a, into: next)
            if let shortcut = block.shortcut {
                try normBackward(shortcut, g, into: a, residual: nil, relu: false, out, accumulate)
                try weights(shortcut, x, a, out, accumulate)
                try data(shortcut, a, into: b)
                ck_axpy(device.team, 1, b, next, current * first.shape.values)
            } else {
                ck_axpy(device.team, 1, g, next, current * first.shape.values)
            }
            swap(&g, &next)
        }
        try normBackward(stem, g, into: a, residual: nil, relu: true, out, accumulate)
        try weights(stem, input.base, a, out, accumulate)
        guard let images else { return }
        let shape = stem.shape
        let channelsLast = try computed { () throws(ComputeError) in try Buffer<Float>(count: current * shape.values) }
        try data(stem, a, into: channelsLast.base)
        ck_transpose_bias(
            device.team, channelsLast.base, nil, images, 0, current, shape.values / shape.inputs, shape.inputs)
        scaledInput?.backward(images, cases: current)
    }

    private func normBackward(
        _ layer: Layer, _ dy: UnsafePointer<Float>, into dx: UnsafeMutablePointer<Float>,
        residual: UnsafeMutablePointer<Float>?, relu: Bool, _ out: Gradients, _ accumulate: Bool
    ) throws(EncoderError) {
        var groups = norm(layer)
        try memory(
            ck_groupnorm_backward(
                device.team, &groups, layer.made.base, parameters.vector(layer.scale), layer.mean.base, layer.rstd.base,
                relu ? layer.output.base : nil, dy, dx, residual, out.pointer(layer.scale), out.pointer(layer.shift),
                accumulate ? 1 : 0))
    }

    private func weights(
        _ layer: Layer, _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ out: Gradients, _ accumulate: Bool
    ) throws(EncoderError) {
        guard let gradient = out.pointer(layer.weight) else { return }
        try computed { () throws(ComputeError) in
            try device.convolveWeights(convolution(layer), x, dy, into: gradient, accumulate: accumulate)
        }
    }

    private func data(_ layer: Layer, _ dy: UnsafePointer<Float>, into dx: UnsafeMutablePointer<Float>)
        throws(EncoderError)
    {
        try computed { () throws(ComputeError) in
            try device.convolveData(convolution(layer), dy, weights: parameters.vector(layer.weight), into: dx)
        }
    }

    private func convolution(_ layer: Layer) -> mb_convolution {
        let shape = layer.shape
        return mb_convolution(
            batch: current, size: shape.size, in: shape.inputs, out: shape.outputs, kernel: shape.kernel,
            stride: shape.stride)
    }

    private func norm(_ layer: Layer) -> ck_groupnorm {
        let shape = layer.shape
        return ck_groupnorm(
            samples: current, rows: shape.results / shape.outputs, channels: shape.outputs, groups: shape.groups)
    }

    private func memory(_ status: Int32) throws(EncoderError) {
        guard status == 0 else { throw EncoderError(.memory, "no memory for the sums of a normalisation") }
    }
}
