import Foundation
import LocalFederation

/// A coordinator under a thousand idle connections, twenty active ones and a hundred slow ones.
struct LoadFigures {
    func measure() throws -> [String: Double] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "consilium-load-\(getpid())").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var federation = try LocalFederation(folder: folder, binaries: Bench.programs)
        federation.settings = Load.settings
        let coordinator = try federation.found()
        defer { coordinator.end() }
        let figures = try Load().run(port: federation.ports.agents, site: try federation.enrol("hospital-a"))
        let sorted = figures.seconds.sorted()
        guard figures.failures == 0, figures.slowLeft == 0, !sorted.isEmpty else {
            throw BenchError("\(figures.failures) calls failed and \(figures.slowLeft) slow connections stayed")
        }
        return [
            "status_p50_seconds": sorted.median, "status_p99_seconds": sorted[sorted.count * 99 / 100],
            "slow_closed_seconds": figures.slowSeconds,
            "coordinator_peak_mb": ProcessFigures.peakMegabytes(coordinator.pid),
        ]
    }
}
