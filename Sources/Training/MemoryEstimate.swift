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

    package var total: Int { parameters + training + activations + cases + program }

    /// What program and libraries take before anything is loaded.
    private static let base = 48 << 20

    /// - Parameters:
    ///   - trained: number of values trained.
    ///   - resident: bytes of prepared cases kept in memory.
    package static func fit(
        _ model: ModelConfiguration, precision: Precision, batch: Int, threads: Int, trained: Int, moments: Int,
        resident: Int = 0
    ) -> MemoryEstimate {
        let e = model.encoder
        let layout = ParameterLayout(model)
        let vectors = layout.parameters.reduce(0) { $0 + ($1.isMatrix ? 0 : $1.count) }
        var estimate = MemoryEstimate()
        estimate.parameters = layout.count * 4 + (precision.half ? vectors * 4 : 0)
        estimate.training = trained * 4 * (1 + moments)
        estimate.activations =
            activations(e, precision: precision, batch: batch, kept: e.layers)
            + gradients(e, precision: precision, batch: batch)
        // One pass computed, two loaded ahead, one being put together; a single case is not copied.
        estimate.cases = resident + e.imageValues * 4 * (batch == 1 ? 3 : 3 * batch + 1)
        estimate.program = base + workspace(e, precision: precision, batch: batch, threads: threads)
        return estimate
    }

    /// A prediction of one case at a time from packed parameters.
    package static func inference(_ model: ModelConfiguration, precision: Precision, threads: Int) -> MemoryEstimate {
        let e = model.encoder
        let layout = ParameterLayout(model)
        var estimate = MemoryEstimate()
        // While a tensor is packed its fp32 values, and in bf16 its rounded ones, are in memory beside those before it.
        var loading = 0
        for parameter in layout.parameters where !Trainable.decoderOnly(parameter.name) {
            estimate.parameters += parameter.count * (parameter.isMatrix ? precision.bytes : 4)
            let copies = 4 + (precision.half && parameter.isMatrix ? 2 : 0)
            loading = max(loading, estimate.parameters + parameter.count * copies)
        }
        estimate.activations = activations(e, precision: precision, batch: 1, kept: 1)
        estimate.cases = e.imageValues * 4 * 2
        let running = estimate.parameters + estimate.activations + estimate.cases
        estimate.parameters += max(loading - running, 0)
        estimate.program = base + workspace(e, precision: precision, batch: 1, threads: threads)
        return estimate
    }

    /// Activations of the blocks; see `Activations` in `Encoder` for the pieces.
    private static func activations(_ e: EncoderConfiguration, precision: Precision, batch: Int, kept: Int) -> Int {
        let rows = batch * e.tokens
        let stride = (e.tokens + 31) / 32 * 32
        let block = rows * (6 * e.hidden + (kept > 1 ? 2 : 1) * e.mlp) + batch * e.heads * e.tokens * stride
        let sums = (kept > 1 ? 2 * kept + 1 : 1) * rows * e.hidden * 4
        return rows * e.patchValues * precision.bytes + rows * max(e.hidden, e.mlp) * 4 + sums
            + kept * block * precision.bytes
    }

    private static func gradients(_ e: EncoderConfiguration, precision: Precision, batch: Int) -> Int {
        let rows = batch * e.tokens
        return rows * e.hidden * 4 + rows * 4 * e.hidden * precision.bytes
            + (precision.half ? rows * e.hidden * 2 : 0)
    }

    /// Scratch of the product library: a copy of the operands of a thread's part of the largest product.
    private static func workspace(_ e: EncoderConfiguration, precision: Precision, batch: Int, threads: Int) -> Int {
        threads * 8 << 20
    }

    /// Whether it fits into what the machine has.
    /// - Throws: ``TrainingError`` saying how much is needed and what would need less.
    package func require(available: Int?, advice: String) throws(TrainingError) {
        guard let available, total > available else { return }
        func gib(_ bytes: Int) -> String { String(format: "%.1f GiB", Double(bytes) / Double(1 << 30)) }
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
