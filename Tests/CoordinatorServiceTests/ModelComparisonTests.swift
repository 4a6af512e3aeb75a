import CoordinatorService
import Foundation
import Statistics
import Testing

@Suite struct ModelComparisonTests {
    /// Cases of sites, and scores that tell the classes apart better or worse.
    private func made(sites: Int, perSite: Int, strengths: [Double]) -> (ComparedCases, [ModelScores]) {
        var state: UInt64 = 7
        func unit() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 11) / Double(UInt64(1) << 53)
        }
        let count = sites * perSite
        let labels = (0..<count).map { $0 % 3 == 0 ? 1 : 0 }
        let cases = ComparedCases(
            ids: (0..<count).map { "c\($0)" }, patients: (0..<count).map { "p\($0)" },
            sites: (0..<count).map { "site-\($0 / perSite)" }, labels: labels, classes: ["no", "yes"], positive: 1,
            choosingLabels: labels)
        let shared = labels.map { _ in unit() }
        let models = strengths.enumerated().map { index, strength in
            let p = zip(labels, shared).map { label, common in
                min(0.99, max(0.01, 0.4 * common + 0.3 * unit() + (label == 1 ? strength : 0)))
            }
            let logits = p.map { [0, log($0 / (1 - $0))] }
            return ModelScores(
                name: "m\(index)", digest: "", probabilities: p, logits: logits, choosing: p, choosingLogits: logits)
        }
        return (cases, models)
    }

    @Test("models are told by themselves and against the first, with one adjustment over all")
    func several() throws {
        let (cases, models) = made(sites: 4, perSite: 60, strengths: [0.05, 0.3, 0.06])
        let comparison = try ModelComparison(models, on: cases, task: "t", prevalence: 0.1)
        #expect(comparison.cases == [160, 80] && comparison.patients == 240 && comparison.sites.count == 4)
        for (model, scores) in zip(comparison.models, models) {
            let pooled = try #require(
                DeLong.estimate(labels: cases.labels.map { $0 == 1 }, scores: scores.probabilities))
            #expect(model.pooledArea?.value == pooled.area)
            #expect((model.sensitivity?.value ?? 0) >= 0.9, "the threshold was chosen for it on the same cases")
            #expect(model.positivePredictive != nil && model.temperature != nil && model.calibrationSlope != nil)
        }
        let better = try #require(comparison.contrasts.first)
        let labels = cases.labels.map { $0 == 1 }
        let paired = try #require(
            StratifiedArea.compare(
                labels: labels, models[1].probabilities, models[0].probabilities, sites: cases.sites,
                patients: cases.patients))
        #expect(better.change?.value == paired.difference && better.p == paired.p)
        let pooled = try #require(DeLong.compare(labels: labels, models[1].probabilities, models[0].probabilities))
        #expect(
            abs((better.pooledChange?.value ?? 1) - pooled.difference) < 1e-12 && better.pooledChange != better.change)
        #expect((better.change?.value ?? 0) > 0.1 && (better.adjusted ?? 1) < 0.01 && (better.callsP ?? 1) < 0.01)
        #expect(better.sites?.count == 4 && (better.combined?.change.interval?[0] ?? -1) > 0)
        #expect(abs((better.sites ?? []).reduce(0) { $0 + $1.weight } - 1) < 1e-12)
        let same = comparison.contrasts[1]
        #expect((same.adjusted ?? 0) >= (same.p ?? 1) && (same.change?.interval?[0] ?? 1) < 0)
        #expect(try JSONDecoder().decode(ModelComparison.self, from: JSONEncoder().encode(comparison)) == comparison)
    }

    @Test("one class is refused; without select cases the threshold is a half; one site has no forest")
    func little() throws {
        var (cases, models) = made(sites: 1, perSite: 30, strengths: [0.1, 0.2])
        cases.choosingLabels = []
        for index in models.indices { (models[index].choosing, models[index].choosingLogits) = ([], []) }
        let comparison = try ModelComparison(models, on: cases, task: "t")
        #expect(comparison.models[0].threshold == 0.5 && comparison.models[0].positivePredictive == nil)
        #expect(comparison.contrasts[0].sites == nil && comparison.contrasts[0].combined == nil)
        // No site has two patients of a class: what is not known is left out, and the rest is told.
        let counts = cases.labels.count
        cases.labels = (0..<counts).map { $0 % (counts / 2) == 0 ? 1 : 0 }
        cases.sites = (0..<counts).map { "site-\($0 / (counts / 2))" }
        let bare = try ModelComparison(models, on: cases, task: "t").contrasts
        #expect(bare.count == 1 && bare[0].change == nil && bare[0].p == nil && bare[0].adjusted == nil)
        #expect(bare[0].pooledChange?.interval != nil && bare[0].callsP != nil)
        cases.labels = cases.labels.map { _ in 0 }
        #expect(throws: OperatorError.self) { _ = try ModelComparison(models, on: cases, task: "t") }
    }
}
