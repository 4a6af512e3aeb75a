import Foundation
import LocalFederation
import Testing
import Weights

/// Rounds between real processes, which end as they would have when any of them is killed.
@Suite(.serialized) struct KillTests {
    /// Moments at which processes are killed; `make soak` asks for a hundred.
    private static let kills = ProcessInfo.processInfo.environment["CONSILIUM_KILLS"].flatMap(Int.init) ?? 5

    @Test("kill -9 of coordinator and agents at any moment leaves the final model as it would have been")
    func kills() throws {
        let quiet = try run(kills: 0)
        let killed = try run(kills: Self.kills)
        #expect(quiet == killed)
    }

    /// - Returns: the final model's digest.
    private func run(kills: Int) throws -> String {
        let study = try EchoStudy(rounds: max(3, kills / 10))
        let (coordinator, agents) = try study.start()
        var programs = [coordinator] + agents
        defer { for program in programs { program.end() } }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<kills {
            usleep(UInt32.random(in: 20_000...600_000, using: &random))
            let victim = Int.random(in: 0..<programs.count, using: &random)
            programs[victim].kill()
            programs[victim] =
                victim == 0 ? try study.federation.serve() : try study.federation.startSite(study.site(victim - 1))
        }
        try study.finish()
        let status = try study.federation.status()
        #expect(status.seconds.count == study.rounds)
        let (before, after) = (
            try SafetensorsFile(study.base), try SafetensorsFile(study.federation.object(status.base))
        )
        for tensor in before.tensors {
            for (old, new) in zip(try before.floats(tensor.name), try after.floats(tensor.name)) {
                #expect(abs(Double(new) - Double(old) - study.shift) < 1e-5)
            }
        }
        programs[0].end()
        let verdict = try study.federation.coordinator("verify")
        #expect(verdict.contains("rows"))
        study.remove()
        return status.base
    }
}
