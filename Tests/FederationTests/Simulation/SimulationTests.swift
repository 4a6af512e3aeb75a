import Federation
import Foundation
import Testing

/// `CONSILIUM_SEEDS` sets how many histories are lived through, `CONSILIUM_SEED` picks one of them.
@Suite("Simulation")
struct SimulationTests {
    static let environment = ProcessInfo.processInfo.environment
    static let count = environment["CONSILIUM_SEEDS"].flatMap { UInt64($0) } ?? 2000

    static var seeds: Range<UInt64> {
        environment["CONSILIUM_SEED"].flatMap { UInt64($0) }.map { $0..<$0 + 1 } ?? 1..<count + 1
    }

    @Test("no history of crashes, cut lines, full disks and operators breaks a promise")
    func invariants() async {
        let seeds = Self.seeds
        let workers = UInt64(max(ProcessInfo.processInfo.activeProcessorCount, 1))
        let failures = await withTaskGroup(of: [String].self) { group in
            for worker in 0..<workers {
                group.addTask {
                    stride(from: seeds.lowerBound + worker, to: seeds.upperBound, by: Int(workers)).compactMap { seed in
                        Self.failure(SimulatedWorld.Settings(seed: seed))
                    }
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        let told = failures.prefix(5).joined(separator: "\n")
        #expect(failures.isEmpty, "\(failures.count) of \(seeds.count) seeds fail:\n\(told)")
    }

    /// What went wrong, with the seed that shows it again.
    static func failure(_ settings: SimulatedWorld.Settings) -> String? {
        var world = SimulatedWorld(settings)
        do {
            _ = try world.run()
            return nil
        } catch { return "CONSILIUM_SEED=\(settings.seed): \(error)" }
    }

    @Test("a seed lives the same history again")
    func replay() throws {
        for seed in UInt64(1)...20 {
            var one = SimulatedWorld(SimulatedWorld.Settings(seed: seed))
            var other = SimulatedWorld(SimulatedWorld.Settings(seed: seed))
            #expect(try one.run() == other.run())
            #expect(one.trace == other.trace)
        }
    }

    @Test("crashes, cut lines and full disks do not change the model that comes out")
    func accidents() throws {
        for seed in UInt64(1)...100 {
            var quiet = SimulatedWorld(SimulatedWorld.Settings(seed: seed, onlyAccidents: true, quiet: true))
            var stormy = SimulatedWorld(SimulatedWorld.Settings(seed: seed, onlyAccidents: true))
            let models = try quiet.run()
            #expect(try stormy.run() == models, "CONSILIUM_SEED=\(seed)")
            #expect(!models.contains("none"))
        }
    }

    @Test("the histories hold every kind of event that a round can bring")
    func coverage() throws {
        var kinds: Set<Substring> = []
        for seed in UInt64(1)...200 {
            var world = SimulatedWorld(SimulatedWorld.Settings(seed: seed))
            _ = try world.run()
            for event in world.history { kinds.insert("\(event)".prefix { $0 != "(" }) }
        }
        let expected: Set<Substring> = [
            "siteRevoked", "studyPaused", "studyResumed", "studyAborted", "studyFinished", "roundOpened", "siteJoined",
            "siteLeft", "updateReceived", "siteDeclined", "deadlinePassed", "roundExtended", "foldStarted", "folded",
            "evaluationStarted", "reportReceived", "judgementStarted", "gateDecided", "roundCommitted",
            "candidateHeld", "roundFailed", "updatesDeleted",
        ]
        #expect(expected.subtracting(kinds) == [])
    }

    @Test("planted faults are found", arguments: PlantedFault.allCases.filter { $0 != .none })
    func plantedFaults(_ fault: PlantedFault) {
        let found = (UInt64(1)...300).lazy.compactMap {
            Self.failure(SimulatedWorld.Settings(seed: $0, fault: fault))
        }.first
        #expect(found != nil, "300 seeds do not notice the fault \(fault)")
    }
}
