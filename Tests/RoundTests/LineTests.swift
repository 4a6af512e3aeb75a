import FaultProxy
import Foundation
import LocalFederation
import Testing

/// Rounds of real processes over lines as hospitals have them: cut, slow, silent.
@Suite(.serialized) struct LineTests {
    private static let isLong = ProcessInfo.processInfo.environment["CONSILIUM_LINES"] != nil

    /// Runs one round of one site over a bad line.
    /// - Returns: what passed, and the update's bytes.
    private func round(
        megabytes: Int, _ faults: Faults, within seconds: Int, _ meanwhile: (FaultProxy) -> Void = { _ in }
    ) throws -> (counts: FaultProxy.Counts, bytes: Int) {
        var study = try EchoStudy(rounds: 1, sites: 1, elements: megabytes * 250_000)
        let line = try FaultProxy(port: study.federation.ports.agents)
        defer { line.stop() }
        study.federation.line = line.port
        let (coordinator, agents) = try study.start { line.faults = faults }
        defer { for program in agents + [coordinator] { program.end() } }
        meanwhile(line)
        try study.finish(within: seconds)
        let counts = line.counts
        study.remove()
        return (counts, megabytes * 1_000_000)
    }

    @Test("an upload that is cut again and again is complete, with at most 8 MiB sent again per cut")
    func cuts() throws {
        // The long form has the size of a model of 506 M parameters.
        let (megabytes, every) = Self.isLong ? (2024, 50 << 20) : (60, 7 << 20)
        let (counts, bytes) = try round(
            megabytes: megabytes, Faults(cut: .init(after: every, direction: .up)), within: Self.isLong ? 1800 : 180)
        #expect(counts.cuts >= bytes / every)
        // TLS and HTTP add a little to every byte.
        let again = counts.up - bytes - bytes / 200
        #expect(again <= counts.cuts * (8 << 20), "\(again) bytes came again in \(counts.cuts) cuts")
    }

    @Test("a download that is cut again and again is complete, and little comes twice")
    func downloads() throws {
        let (counts, bytes) = try round(
            megabytes: 60, Faults(cut: .init(after: 7 << 20, direction: .down)), within: 180)
        #expect(counts.cuts >= bytes / (7 << 20))
        #expect(counts.down - bytes - bytes / 200 <= counts.cuts * (8 << 20))
    }

    @Test("a line of 20 Mbit/s and 40 ms carries a round")
    func slow() throws {
        let megabytes = Self.isLong ? 345 : 4
        _ = try round(
            megabytes: megabytes, Faults(delay: .milliseconds(20), bytesPerSecond: 2_500_000),
            within: 120 + megabytes)
    }

    @Test("a line that is silent for longer than any patience carries a round")
    func gap() throws {
        // The long form: 4 Mbit/s, and six minutes without a byte.
        let (megabytes, gap, rate) = Self.isLong ? (100, 360, 500_000) : (4, 20, 1_000_000)
        _ = try round(megabytes: megabytes, Faults(bytesPerSecond: rate), within: 900 + gap) { line in
            let before = line.counts.up
            while line.counts.up < before + megabytes * 250_000, line.counts.down < megabytes * 1_500_000 {
                usleep(20_000)
            }
            line.blackHole(for: .seconds(gap))
        }
    }
}
