import CKernels
import Compute

/// What the head's backward pass needs of its forward pass.
struct HeadTape {
    /// Inputs of each linear layer, (count, inputs) fp32; the first are the pooled features (after LayerNorm but for `lamim`).
    var inputs: [[Float]]
    /// `mean` and `peak`: pooled features before LayerNorm, and its mean and 1/σ for each case.
    var pooled: [Float] = []
    var statistics: [(mean: Float, rstd: Float)] = []
    let count: Int
}

extension Network {
    /// Class scores of cases.
    ///
    /// - Parameters:
    ///   - images: (count, channels, size³), absent contrasts zero.
    ///   - present: for each case, which contrasts it has; all when nil.
    /// - Returns: (count, classes) logits.
    package func classify(_ images: UnsafePointer<Float>, count: Int, present: [[Bool]]? = nil)
        throws(EncoderError) -> [Float]
    {
        let features = try features(images, count: count, present: present)
        return try classify(features: features, count: count)
    }

    /// What the head sees of cases: tokens pooled, (count, ``Head/features(of:)``). They do not depend on the head's
    /// parameters, so that a frozen encoder computes them once.
    package func features(_ images: UnsafePointer<Float>, count: Int, present: [[Bool]]? = nil)
        throws(EncoderError) -> [Float]
    {
        let head = try requireHead()
        try encode(images, count: count, present: present)
        return pool(head, count: count)
    }

    /// A case's tokens before the first block, (tokens, hidden): those of cases that differ in few patches can be put
    /// together from these.
    package func embedded(_ images: [Float], present: [Bool]) throws(EncoderError) -> [Float] {
        try transformer().embedded(images, present: present)
    }

    /// Class scores of cases whose tokens were embedded before, (count × tokens, hidden).
    package func classify(embedded tokens: UnsafePointer<Float>, count: Int) throws(EncoderError) -> [Float] {
        let head = try requireHead()
        precondition((1...batch).contains(count), "a network of batch \(batch) got \(count) cases")
        current = count
        try transformer().forward(embedded: tokens, count: count)
        return try classify(features: pool(head, count: count), count: count)
    }

    /// Class scores from pooled features.
    package func classify(features: [Float], count: Int) throws(EncoderError) -> [Float] {
        let head = try requireHead()
        precondition(features.count == count * head.features(of: model.encoder), "features do not fit the head")
        current = count
        var tape = HeadTape(inputs: [], count: count)
        var x = features
        if head.isNormalised {
            tape.pooled = features
            x = normalise(features, count: count, statistics: &tape.statistics)
        }
        let layers = headLayers(head)
        for (i, layer) in layers.enumerated() {
            tape.inputs.append(x)
            x = try linear(layer, x, count: count)
            if i + 1 < layers.count { for j in x.indices where x[j] < 0 { x[j] = 0 } }
        }
        headTape = tape
        return x
    }

    private func requireHead() throws(EncoderError) -> Head {
        guard let head = model.head else {
            throw EncoderError(.input, "this model has no classification head: fine-tune it first with `agent fit`")
        }
        return head
    }

    struct HeadLayer {
        let weight, bias, outputs, inputs: Int
    }

    private func headLayers(_ head: Head) -> [HeadLayer] {
        let layout = parameters.layout
        let names =
            switch head {
            case .lamim(let widths): widths.indices.map { "FC.\(2 * $0)" }
            case .mean, .peak: ["head.linear"]
            }
        return names.map { name in
            let weight = layout.position("\(name).weight")
            let shape = layout.parameters[weight].shape
            return HeadLayer(
                weight: weight, bias: layout.position("\(name).bias"), outputs: shape[0], inputs: shape[1])
        }
    }

    private func linear(_ layer: HeadLayer, _ x: [Float], count: Int) throws(EncoderError) -> [Float] {
        var y = [Float](repeating: 0, count: count * layer.outputs)
        let weight = Matrix(parameters.vector(layer.weight), width: layer.inputs).transposed
        try computed { () throws(ComputeError) in
            try Matrix.lending(x, width: layer.inputs) { (x) throws(ComputeError) in
                try device.multiply(
                    x, weight, into: &y, m: count, n: layer.outputs, k: layer.inputs, full: true)
            }
        }
        let bias = parameters.vector(layer.bias)
        for i in y.indices { y[i] += bias[i % layer.outputs] }
        return y
    }

    /// `mean`: mean over tokens. `peak`: that, then the highest of each feature. `lamim`: mean over 3 tokens × 3 features, remainders dropped (LAMIM §7).
    private func pool(_ head: Head, count: Int) -> [Float] {
        let e = model.encoder
        let width = head.features(of: e)
        var features = [Float](repeating: 0, count: count * width)
        for i in 0..<count {
            let tokens = trunk.output + i * e.tokens * e.hidden
            switch head {
            case .mean, .peak:
                features.withUnsafeMutableBufferPointer { out in
                    for t in 0..<e.tokens {
                        for j in 0..<e.hidden { out[i * width + j] += tokens[t * e.hidden + j] }
                    }
                    for j in 0..<e.hidden { out[i * width + j] /= Float(e.tokens) }
                    guard case .peak = head else { return }
                    for (j, token) in highest(tokens).enumerated() {
                        out[i * width + e.hidden + j] = tokens[token * e.hidden + j]
                    }
                }
            case .lamim:
                let columns = e.hidden / 3
                features.withUnsafeMutableBufferPointer { out in
                    for t in 0..<e.tokens / 3 {
                        for f in 0..<columns {
                            var sum: Float = 0
                            for dt in 0..<3 {
                                let row = tokens + (3 * t + dt) * e.hidden + 3 * f
                                sum += row[0] + row[1] + row[2]
                            }
                            out[i * width + t * columns + f] = sum / 9
                        }
                    }
                }
            }
        }
        return features
    }

    /// Of each feature of a case, the first token with its highest value.
    private func highest(_ tokens: UnsafePointer<Float>) -> [Int] {
        let e = model.encoder
        var found = [Int](repeating: 0, count: e.hidden)
        for t in 1..<e.tokens {
            for j in 0..<e.hidden where tokens[t * e.hidden + j] > tokens[found[j] * e.hidden + j] { found[j] = t }
        }
        return found
    }

    private func normalise(_ x: [Float], count: Int, statistics: inout [(mean: Float, rstd: Float)]) -> [Float] {
        let width = x.count / count
        let layout = parameters.layout
        var y = [Float](repeating: 0, count: x.count)
        var mean = [Float](repeating: 0, count: count)
        var rstd = mean
        ck_layernorm_forward(
            device.team, x, parameters.vector(layout.position("head.norm.weight")),
            parameters.vector(layout.position("head.norm.bias")), &y, 0, &mean, &rstd, count, width, 1e-5)
        statistics = zip(mean, rstd).map { ($0, $1) }
        return y
    }

    /// Gradients of the head's parameters, and of the last block's tokens into `sum` when that is not nil.
    func headBackward(
        _ logitGradient: [Float], into out: Gradients, accumulate: Bool, sum: UnsafeMutablePointer<Float>?
    ) throws(EncoderError) {
        let head = try requireHead()
        guard let tape = headTape, logitGradient.count == tape.count * head.classes else {
            throw EncoderError(.input, "a backward pass of the head must follow its forward pass")
        }
        let count = tape.count
        var dy = logitGradient
        for (i, layer) in headLayers(head).enumerated().reversed() {
            let x = tape.inputs[i]
            if let weight = out.pointer(layer.weight) {
                try computed { () throws(ComputeError) in
                    try Matrix.lending(dy, width: layer.outputs) { (dy) throws(ComputeError) in
                        try Matrix.lending(x, width: layer.inputs) { (x) throws(ComputeError) in
                            try device.multiply(
                                dy.transposed, x, into: weight, m: layer.outputs, n: layer.inputs, k: count,
                                full: true, accumulate: accumulate)
                        }
                    }
                }
            }
            ck_column_sum_cast(
                device.team, dy, nil, 0, out.pointer(layer.bias), accumulate ? 1 : 0, count, layer.outputs)
            var dx = [Float](repeating: 0, count: count * layer.inputs)
            let weight = Matrix(parameters.vector(layer.weight), width: layer.inputs)
            try computed { () throws(ComputeError) in
                try Matrix.lending(dy, width: layer.outputs) { (dy) throws(ComputeError) in
                    try device.multiply(
                        dy, weight, into: &dx, m: count, n: layer.inputs, k: layer.outputs, full: true)
                }
            }
            // The inputs of all layers but the first went through ReLU.
            if i > 0 { for j in dx.indices where x[j] <= 0 { dx[j] = 0 } }
            dy = dx
        }
        if head.isNormalised { dy = normaliseBackward(dy, tape, into: out, accumulate: accumulate) }
        if let sum { unpool(head, dy, into: sum, count: count) }
    }

    private func normaliseBackward(_ dy: [Float], _ tape: HeadTape, into out: Gradients, accumulate: Bool) -> [Float] {
        let layout = parameters.layout
        let weight = layout.position("head.norm.weight")
        let bias = layout.position("head.norm.bias")
        let width = dy.count / tape.count
        var unused = [Float](repeating: 0, count: 2 * width)
        var dx = [Float](repeating: 0, count: dy.count)
        unused.withUnsafeMutableBufferPointer { unused in
            let spare = unused.baseAddress
            ck_layernorm_backward(
                device.team, tape.pooled, parameters.vector(weight), dy, tape.statistics.map(\.mean),
                tape.statistics.map(\.rstd), nil, &dx, out.pointer(weight) ?? spare,
                out.pointer(bias) ?? spare.map { $0 + width }, accumulate ? 1 : 0, tape.count, width)
        }
        return dx
    }

    private func unpool(_ head: Head, _ gradient: [Float], into sum: UnsafeMutablePointer<Float>, count: Int) {
        let e = model.encoder
        let width = head.features(of: e)
        sum.update(repeating: 0, count: count * e.tokens * e.hidden)
        for i in 0..<count {
            let tokens = sum + i * e.tokens * e.hidden
            gradient.withUnsafeBufferPointer { gradient in
                switch head {
                case .mean, .peak:
                    for t in 0..<e.tokens {
                        for j in 0..<e.hidden {
                            tokens[t * e.hidden + j] = gradient[i * width + j] / Float(e.tokens)
                        }
                    }
                    guard case .peak = head else { return }
                    for (j, token) in highest(trunk.output + i * e.tokens * e.hidden).enumerated() {
                        tokens[token * e.hidden + j] += gradient[i * width + e.hidden + j]
                    }
                case .lamim:
                    let columns = e.hidden / 3
                    for t in 0..<(e.tokens / 3) * 3 {
                        for j in 0..<columns * 3 {
                            tokens[t * e.hidden + j] = gradient[i * width + t / 3 * columns + j / 3] / 9
                        }
                    }
                }
            }
        }
    }
}
