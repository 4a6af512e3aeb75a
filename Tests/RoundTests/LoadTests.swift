import Foundation
import LocalFederation
import Testing

@Suite(.serialized) struct LoadTests {
    @Test("a thousand idle connections, twenty active and a hundred slow ones: answered, closed, and in 300 MB")
    func load() throws {
        let study = try EchoStudy(rounds: 1)
        var federation = study.federation
        federation.settings = Load.settings
        let coordinator = try federation.found()
        defer { coordinator.end() }
        let figures = try Load().run(port: federation.ports.agents, site: try federation.enrol("hospital-a"))
        #expect(figures.failures == 0 && figures.seconds.count == 1000)
        #expect(figures.kept == 1000)
        #expect(figures.slowLeft == 0)
        #expect(ProcessFigures.peakMegabytes(coordinator.pid) < 300)
        study.remove()
    }
}
