import Statistics
import Testing

@Suite struct MeanBootstrapTests {
    @Test("the interval is about the standard error's, wider when values of a patient go together")
    func interval() throws {
        let values = (0..<200).map { Double($0 % 2) }
        let alone = try #require(MeanBootstrap(values, patients: (0..<200).map { "p\($0)" }))
        #expect(alone.mean == 0.5 && alone.count == 200)
        // ±1.96 × 0.5/√200 = ±0.069.
        #expect(abs(alone.lower - 0.431) < 0.015 && abs(alone.upper - 0.569) < 0.015)
        let pairs = (0..<200).map { Double($0 / 10 % 2) }
        let clustered = try #require(MeanBootstrap(pairs, patients: (0..<200).map { "p\($0 / 10)" }))
        #expect(clustered.upper - clustered.lower > 2 * (alone.upper - alone.lower))
        #expect(MeanBootstrap([1, 2], patients: ["a", "a"]) == nil)
        #expect(try #require(MeanBootstrap([3, 3], patients: ["a", "b"])).lower == 3)
        #expect(MeanBootstrap(values, patients: (0..<200).map { "p\($0)" }) == alone)
    }
}
