import Foundation
import LocalFederation
import Testing
import Weights

/// A federation of real processes whose sites add a constant instead of training, so that its end is known.
struct EchoStudy {
    var federation: LocalFederation
    let base: String
    let sites: Int
    let rounds: Int
    /// Numbers of the model.
    let elements: Int

    init(rounds: Int, sites: Int = 2, elements: Int = 1000) throws {
        self.rounds = rounds
        self.sites = sites
        self.elements = elements
        let folder = FileManager.default.temporaryDirectory.appending(path: "consilium-rounds-\(UUID().uuidString)")
            .path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        federation = try LocalFederation(folder: folder, binaries: EchoStudy.programs)
        base = folder + "/base.safetensors"
    }

    /// The programs lie beside the test bundle.
    static let programs = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        .deletingLastPathComponent().path

    func site(_ index: Int) -> String { "site-\(index + 1)" }

    /// Founds the federation, enrols its sites and starts the study.
    /// - Parameter enrolled: called when all sites are enrolled, before the study starts.
    func start(_ enrolled: () -> Void = {}) throws -> (coordinator: ChildProgram, sites: [ChildProgram]) {
        var writer = try SafetensorsWriter(
            base, entries: [.init("first", .float32, [elements - 300]), .init("second", .float32, [3, 100])])
        try writer.append((0..<elements - 300).map { Float($0 % 4096) / 64 })
        try writer.append((0..<300).map { Float($0) / -32 })
        let digest = try writer.finish()
        let coordinator = try federation.found()
        let agents = try (0..<sites).map { index in
            try federation.addSite(
                site(index), cases: 20 + index,
                trainer: [federation.binaries + "/bench", "echo-trainer", "\(index)"])
        }
        try """
        name: echo
        task: label
        classes: [a, b]
        initial: {weights: \(digest)}
        lineage: made numbers
        training: {steps: 1}
        rounds: \(rounds)
        minimum_sites: \(sites)
        evaluation: off
        gate: off
        norm_bound: off
        governance: {purpose: test rounds, data_declared: synthetic}

        """.write(toFile: federation.folder + "/plan.yaml", atomically: true, encoding: .utf8)
        enrolled()
        try federation.coordinator("study", "create", federation.folder + "/plan.yaml", "--weights", base)
        try federation.coordinator("study", "start", "echo")
        return (coordinator, agents)
    }

    /// What every weight has moved by after all rounds: rounds × Σ nᵢ·aᵢ / Σ nᵢ.
    var shift: Double {
        let counts = (0..<sites).map { Double(20 + $0) }
        let moved = zip(counts, (0..<sites).map { 0.5 * Double(1 + $0) }).map(*).reduce(0, +)
        return Double(rounds) * moved / counts.reduce(0, +)
    }

    /// Looks until something holds, for as long as a slow machine may need.
    func wait(_ seconds: Int = 180, until holds: () throws -> Bool) throws {
        let limit = ContinuousClock.now + .seconds(seconds)
        while try !holds() {
            guard ContinuousClock.now < limit else {
                throw LocalFederationError("nothing came of it in \(seconds) s: see \(federation.folder)")
            }
            usleep(50_000)
        }
    }

    /// Waits for the end, and checks that every weight is where it must be.
    /// - Returns: the final model's digest.
    @discardableResult
    func finish(within seconds: Int = 180) throws -> String {
        try wait(seconds) { try federation.status().standing == "finished" }
        let status = try federation.status()
        #expect(status.seconds.count == rounds)
        let (before, after) = (try SafetensorsFile(base), try SafetensorsFile(federation.object(status.base)))
        var worst = 0.0
        for tensor in before.tensors {
            for (old, new) in zip(try before.floats(tensor.name), try after.floats(tensor.name)) {
                worst = max(worst, abs(Double(new) - Double(old) - shift))
            }
        }
        #expect(worst < 1e-5 * max(1, shift))
        return status.base
    }

    func remove() { try? FileManager.default.removeItem(atPath: federation.folder) }
}
