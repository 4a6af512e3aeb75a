package import Compute
package import Encoder
import Foundation

/// Memory a fit or a prediction takes at its peak, in bytes, computed before any of it is taken.
package struct MemoryEstimate: Sendable, Equatable {
    /// Weights as they are kept.
    package var parameters = 0
    /// Gradients and moments of what is trained.
    package var training = 0
    /// Activations and their gradients.
    package var activations = 0
    /// Cases in flight and kept.
    package var cases = 0
    /// Program, libraries, their workspaces.
    package var program = 0

    /// All of it; `Int.max` when it is more than can be counted.
    package var total: Int {
        [training, activations, cases, program].reduce(Amount(parameters)) { $0 + Amount($1) }.value
    }

    /// What program and libraries take before anything is loaded.
    private static let base = Amount(48 << 20)

    /// - Parameters:
    ///   - trained: number of values trained.
    ///   - resident: bytes of prepared cases kept in memory.
    ///   - decoded: volumes restored at once.
    ///   - features: where nothing but the head is trained, the most features of cases kept; no gradients of
    ///     activations are then needed.
    ///   - augmented: whether cases are changed each time they are shown, so that no features are kept.
    package static func fit(
        _ model: ModelConfiguration, precision: Precision, batch: Int, threads: Int, trained: Int, moments: Int,
        resident: Int = 0, decoded: Int = 0, features: Int? = nil, augmented: Bool = false
    ) -> MemoryEstimate {
        let e = model.encoder
        let layout = ParameterLayout(model)
        let vectors = layout.parameters.reduce(Amount(0)) { $0 + Amount($1.isMatrix ? 0 : $1.count) }
        let shown = model.maskDecoder == nil ? e.tokens : TokenMask(e).shown
        let shape = Shape(e, tokens: shown, precision: precision, batch: batch)
        let image = shape.image
        // One pass computed, two loaded ahead, one being put together; a single case is not copied.
        let queued = image * (batch == 1 ? 3 : Amount(batch) * 3 + 1)
        var estimate = MemoryEstimate()
        estimate.parameters = (Amount(layout.count) * 4 + (precision.half ? vectors * 4 : 0)).value
        estimate.training = (Amount(trained) * 4 * Amount(1 + moments)).value
        if let features {
            let kept = Amount(features) * Amount(model.head?.features(of: e) ?? 0) * 4
            estimate.activations = shape.activations(training: false).value
            // Of features that are kept one case is computed at a time.
            estimate.cases = (Amount(resident) + (augmented ? queued : image * 2 + kept)).value
        } else {
            estimate.activations = (shape.activations(training: true) + shape.gradients).value
            estimate.cases = (Amount(resident) + queued).value
        }
        // Outputs, their gradient, signs, and the rows between the decoder's two steps in fp32 and in the device's type.
        estimate.activations = (Amount(estimate.activations) + Amount(decoded) * image * 6).value
        if let decoder = model.maskDecoder {
            let part = Shape(decoder, of: e, precision: precision, batch: batch)
            // Predictions, targets, gradients and those in the device's type, and what lies between encoder and decoder.
            let outputs = Amount(batch) * image * (precision.half ? 4 : 3) + part.gradients * 2
            estimate.activations =
                (Amount(estimate.activations) + part.activations(training: true) + part.gradients + outputs).value
        }
        estimate.program = (base + shape.workspace(threads: threads)).value
        return estimate
    }

    /// A prediction of one case at a time from packed parameters.
    package static func inference(_ model: ModelConfiguration, precision: Precision, threads: Int) -> MemoryEstimate {
        let layout = ParameterLayout(model)
        let shape = Shape(model.encoder, tokens: model.encoder.tokens, precision: precision, batch: 1)
        // While a tensor is packed its fp32 values, and in bf16 its rounded ones, are in memory beside those before it.
        var parameters: Amount = 0
        var loading: Amount = 0
        for parameter in layout.parameters where !Trainable.decoderOnly(parameter.name) {
            let count = Amount(parameter.count)
            parameters = parameters + count * (parameter.isMatrix ? Amount(precision.bytes) : 4)
            loading = .max(loading, parameters + count * (precision.half && parameter.isMatrix ? 6 : 4))
        }
        var estimate = MemoryEstimate()
        let activations = shape.activations(training: false)
        let cases = shape.image * 2
        estimate.activations = activations.value
        estimate.cases = cases.value
        let running = parameters + activations + cases
        estimate.parameters = (parameters + Amount(max(loading.value - running.value, 0))).value
        estimate.program = (base + shape.workspace(threads: threads)).value
        return estimate
    }

    /// The sizes of a pass; see `Activations` in `Encoder` for the pieces.
    private struct Shape {
        let rows, hidden, mlp, tokens, heads, depth, layers, patch, image, batch, bytes: Amount
        let isHalf: Bool
        /// A residual network's, whose activations are counted by its own plan.
        let residual: EncoderConfiguration?

        init(_ e: EncoderConfiguration, tokens: Int, precision: Precision, batch: Int) {
            self.tokens = Amount(tokens)
            rows = Amount(batch) * Amount(tokens)
            hidden = Amount(e.hidden)
            mlp = Amount(e.mlp)
            heads = Amount(e.heads)
            depth = Amount(e.headDepth)
            layers = Amount(e.layers)
            patch = Amount(e.patchValues)
            image = Amount(e.imageValues) * 4
            self.batch = Amount(batch)
            bytes = Amount(precision.bytes)
            isHalf = precision.half
            residual = e.residual == nil ? nil : e
        }

        /// The blocks of a decoder, which take no patches.
        init(_ d: MaskDecoder, of e: EncoderConfiguration, precision: Precision, batch: Int) {
            tokens = Amount(e.tokens)
            rows = Amount(batch) * tokens
            hidden = Amount(d.hidden)
            mlp = Amount(d.mlp)
            heads = Amount(d.heads)
            depth = Amount(d.hidden / d.heads)
            layers = Amount(d.layers)
            patch = 0
            image = 0
            self.batch = Amount(batch)
            bytes = Amount(precision.bytes)
            isHalf = precision.half
            residual = nil
        }

        /// Activations of the blocks; without training all share the memory of one.
        func activations(training: Bool) -> Amount {
            if let residual { return batch * Amount(residual.residualBytes(training: training)) }
            let block = rows * (hidden * 6 + mlp * (training ? 2 : 1)) + batch * heads * tokens * tokens
            let sums = rows * hidden * 4 * (training ? layers * 2 + 1 : 1)
            return rows * patch * bytes + rows * .max(hidden, mlp) * 4 + sums + block * bytes * (training ? layers : 1)
        }

        var gradients: Amount {
            if residual != nil { return 0 }
            return rows * hidden * (bytes * 4 + (isHalf ? 6 : 4))
        }

        /// Scratch of a thread: the product library's copies of operands, and an attention head's scores, in fp32 and in
        /// the type of the activations, with four dense heads.
        func workspace(threads: Int) -> Amount {
            let attention = tokens * tokens * (bytes + 4) + tokens * depth * bytes * 4
            return Amount(threads) * (Amount(8 << 20) + attention)
        }
    }

    /// Whether it fits into what the machine has.
    /// - Throws: ``TrainingError`` saying how much is needed and what would need less.
    package func require(available: Int?, advice: String) throws(TrainingError) {
        func gib(_ bytes: Int) -> String { String(format: "%.1f GiB", Double(bytes) / Double(1 << 30)) }
        guard total < .max else {
            throw TrainingError(.memory, "This needs more memory than any machine has: the model's shape is not sound")
        }
        guard let available, total > available else { return }
        throw TrainingError(
            .memory, "This needs \(gib(total)) of memory and \(gib(available)) are available: \(advice)")
    }

    /// Memory this process can still take: what the kernel says is available, or less where a control group limits it.
    /// - Returns: nil when the system does not say.
    package static func available(root: String = "") -> Int? {
        func read(_ path: String) -> String? { try? String(contentsOfFile: root + path, encoding: .utf8) }
        var smallest: Int?
        func consider(_ bytes: Int) { smallest = min(smallest ?? bytes, max(bytes, 0)) }
        if let line = read("/proc/meminfo")?.split(separator: "\n").first(where: { $0.hasPrefix("MemAvailable:") }),
            let kilobytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        {
            consider(kilobytes << 10)
        }
        func number(_ path: String) -> Int? {
            read(path).flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
        }
        // Version 2: the group's own limit and those above it; version 1: one limit of the controller.
        let group = read("/proc/self/cgroup")?.split(separator: "\n").first { $0.hasPrefix("0::") }?.dropFirst(3) ?? "/"
        var path = String(group)
        while true {
            let folder = "/sys/fs/cgroup" + (path == "/" ? "" : path)
            if let limit = number(folder + "/memory.max"), let used = number(folder + "/memory.current") {
                let cache = reclaimable(read(folder + "/memory.stat"))
                consider(limit - used + cache)
            }
            guard path.count > 1 else { break }
            path = (path as NSString).deletingLastPathComponent
        }
        if let limit = number("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
            let used = number("/sys/fs/cgroup/memory/memory.usage_in_bytes"), limit < 1 << 60
        {
            consider(limit - used + reclaimable(read("/sys/fs/cgroup/memory/memory.stat")))
        }
        return smallest
    }

    /// File pages the kernel gives back when memory runs short.
    private static func reclaimable(_ stat: String?) -> Int {
        guard let line = stat?.split(separator: "\n").first(where: { $0.hasPrefix("inactive_file ") }) else { return 0 }
        return line.split(separator: " ").last.flatMap { Int($0) } ?? 0
    }
}
