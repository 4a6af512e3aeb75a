import Foundation
import LocalFederation
import Weights

/// Rounds of a real federation on this machine: a coordinator and sites as processes of their own over mutual TLS, each
/// site adding 0.5 (1 + i) to every weight, nothing trained and nothing evaluated.
///
/// A round's time is the coordinator's own: from its opening to its commit, as its transcript has it.
struct EchoRounds {
    /// Megabytes (10⁶ bytes) of fp32 weights.
    let megabytes: Int
    let sites: Int
    let rounds: Int

    /// Tensors as the peers' harness has them: the size in equal parts.
    private var tensors: Int { megabytes < 10 ? 4 : megabytes < 200 ? 50 : megabytes < 1000 ? 150 : 200 }

    func measure() throws -> [String: Double] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "consilium-rounds-\(getpid())").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var children: [ChildProgram] = []
        defer {
            for child in children.reversed() { child.end() }
            if ProcessInfo.processInfo.environment["CONSILIUM_KEEP"] == nil {
                try? FileManager.default.removeItem(atPath: folder)
            }
        }
        let base = folder + "/base.safetensors"
        let digest = try makeBase(base)
        let federation = try LocalFederation(folder: folder, binaries: Bench.programs)
        children.append(try federation.found())
        for index in 0..<sites {
            let trainer = [Bench.programs + "/bench", "echo-trainer", "\(index)"]
            children.append(try federation.addSite("site-\(index + 1)", cases: 100 + index, trainer: trainer))
        }
        try plan(digest).write(toFile: folder + "/plan.yaml", atomically: true, encoding: .utf8)
        try federation.coordinator("study", "create", folder + "/plan.yaml", "--weights", base)
        try federation.coordinator("study", "start", "echo")
        // Watching costs next to nothing; asking for the status again and again would cost a program's start each time.
        let watch = try federation.watch("echo")
        children.append(watch)
        var afterFirst: Double?
        let limit = ContinuousClock.now + .seconds(60 + Double(rounds * sites * megabytes) / 10)
        let programs = children.dropLast()
        while watch.isRunning {
            guard ContinuousClock.now < limit else { throw BenchError("the rounds took too long: see \(folder)") }
            usleep(20_000)
            if afterFirst == nil, try federation.watched("echo").contains("round 1/") {
                afterFirst = programs.map(processorSeconds).reduce(0, +)
            }
        }
        let processorAtEnd = programs.map(processorSeconds).reduce(0, +)
        let status = try federation.status()
        guard status.seconds.count == rounds else {
            throw BenchError("\(status.seconds.count) of \(rounds) rounds ended")
        }
        try check(base: base, final: federation.object(status.base))
        // The first round fetches and starts everything; the rest are what rounds cost.
        let processor = processorAtEnd - (afterFirst ?? 0)
        let moved = Double(2 * sites * megabytes * (rounds - 1)) / 1000
        let agents = programs.dropFirst().flatMap { ProcessFigures.tree($0.pid) }
            .filter { ProcessFigures.command($0).contains(" run ") }
        return [
            "seconds": status.seconds.dropFirst().map { $0 }.median,
            "cpu_seconds_per_gb": processor / moved,
            "coordinator_peak_mb": ProcessFigures.peakMegabytes(children[0].pid),
            "agent_peak_mb": agents.map(ProcessFigures.peakMegabytes).max() ?? 0,
        ]
    }

    private func processorSeconds(_ child: ChildProgram) -> Double {
        ProcessFigures.tree(child.pid).map(ProcessFigures.seconds).reduce(0, +)
    }

    private func addend(_ index: Int) -> Double { 0.5 * Double(1 + index) }

    /// Random weights; returns their file's digest.
    private func makeBase(_ path: String) throws -> String {
        let count = megabytes * 1_000_000 / 4 / tensors
        var writer = try SafetensorsWriter(
            path,
            entries: (0..<tensors).map { .init("t\($0 < 10 ? "000" : $0 < 100 ? "00" : "0")\($0)", .float32, [count]) })
        var state: UInt64 = 7
        var values = [Float](repeating: 0, count: count)
        for _ in 0..<tensors {
            for index in values.indices {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                values[index] = Float(Int32(truncatingIfNeeded: state >> 32)) / Float(1 << 30)
            }
            try writer.append(values)
        }
        return try writer.finish()
    }

    /// The closed form: every weight has moved by rounds × Σ nᵢ·aᵢ / Σ nᵢ.
    private func check(base: String, final: String) throws {
        let weights = (0..<sites).map { Double(100 + $0) }
        let shift =
            Double(rounds) * zip(weights, (0..<sites).map(addend)).map(*).reduce(0, +) / weights.reduce(0, +)
        let (before, after) = (try SafetensorsFile(base), try SafetensorsFile(final))
        var worst = 0.0
        for tensor in before.tensors {
            let (old, new) = (try before.floats(tensor.name), try after.floats(tensor.name))
            for (a, b) in zip(old, new) { worst = max(worst, abs(Double(b) - Double(a) - shift)) }
        }
        guard worst < 1e-4 * max(1, shift) else { throw BenchError("the final weights are off by \(worst)") }
    }

    private func plan(_ digest: String) -> String {
        """
        name: echo
        task: label
        classes: [a, b]
        initial: {weights: \(digest)}
        lineage: random numbers
        training: {steps: 1}
        rounds: \(rounds)
        minimum_sites: \(sites)
        evaluation: off
        gate: off
        norm_bound: off
        keep_updates: 0
        governance: {purpose: measure rounds, controllers: [the reader], data_declared: synthetic, retention: none, release_rights: none}

        """
    }
}
