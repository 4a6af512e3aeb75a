import Foundation
import LocalFederation
import Testing

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
        let model = try study.finish()
        programs[0].end()
        let verdict = try study.federation.coordinator("verify")
        #expect(verdict.contains("rows"))
        study.remove()
        return model
    }
}
