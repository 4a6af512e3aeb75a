import Foundation
import LocalFederation
import Testing

/// Rounds between real processes, which end as they would have when any of them is killed.
@Suite(.serialized) struct KillTests {
    /// Moments at which processes are killed; `make soak` asks for a hundred.
    private static let kills = ProcessInfo.processInfo.environment["CONSILIUM_KILLS"].flatMap(Int.init) ?? 5

    @Test("kill -9 of coordinator and agents at any moment of ten rounds leaves the final model as it would have been")
    func kills() throws {
        let quiet = try run(kills: 0)
        var left = Self.kills
        while left > 0 {
            let killed = try run(kills: left)
            #expect(killed.model == quiet.model)
            try #require(killed.kills > 0)
            left -= killed.kills
        }
    }

    /// Runs a study, and kills until it is over.
    /// - Returns: the final model's digest, and how many were killed while rounds went on.
    private func run(kills: Int) throws -> (model: String, kills: Int) {
        let study = try EchoStudy(rounds: 10, elements: 2_000_000)
        let (coordinator, agents) = try study.start()
        var programs = [coordinator] + agents
        defer { for program in programs { program.end() } }
        var done = 0
        while done < kills {
            usleep(UInt32.random(in: 20_000...400_000))
            guard try study.federation.status().standing == "running" else { break }
            let victim = Int.random(in: 0..<programs.count)
            programs[victim].kill()
            programs[victim] =
                victim == 0 ? try study.federation.serve() : try study.federation.startSite(study.site(victim - 1))
            done += 1
        }
        let model = try study.finish()
        programs[0].end()
        let verdict = try study.federation.coordinator("verify")
        #expect(verdict.contains("rows"))
        study.remove()
        return (model, done)
    }
}
