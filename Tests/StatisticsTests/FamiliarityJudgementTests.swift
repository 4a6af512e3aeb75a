import Foundation
import Statistics
import Testing

/// What is said of a case by its error of restoration, against SciPy (Tests/Fixtures/statistics/make_familiarity.py).
@Suite struct FamiliarityJudgementTests {
    struct Case: Decodable { var errors, new, chances: [Double] }

    private func cases() throws -> [Case] {
        let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/statistics/restoration_errors.json")
        return try JSONDecoder().decode([Case].self, from: Data(contentsOf: path))
    }

    /// Features and images that never change are no distribution, so that errors alone are judged.
    private func known(_ errors: [Double]) -> Familiarity {
        var known = Familiarity(model: "model", dimensions: 1, restorer: "restorer")
        for error in errors { known.add(features: [1], images: [1], restoration: error) }
        return known
    }

    @Test("an error above the mean is as probable as SciPy says, one below is like any training case's")
    func golden() throws {
        for one in try cases() {
            let known = known(one.errors)
            #expect(known.isWhole)
            let mean = one.errors.reduce(0, +) / Double(one.errors.count)
            for (new, chance) in zip(one.new, one.chances) {
                let verdict = try #require(known.judge(features: [1], images: [1], restoration: new))
                let share = Familiarity.imageLevel / Familiarity.restorationLevel
                let expected = new > mean ? min(chance * share, 1) : 1
                #expect(abs(verdict.probability - expected) < 1e-7 * max(expected, 1e-3))
                #expect((verdict.unlikeRestoration != nil) == (new > mean && chance < Familiarity.restorationLevel))
            }
        }
    }

    @Test("errors do not count where they are not known, not finite, or of several sites")
    func leftOut() throws {
        let errors = try cases()[1].errors
        let one = known(errors)
        #expect(one.judge(features: [1], images: [1]) == nil)
        #expect(one.judge(features: [1], images: [1], restoration: .nan)?.unlikeRestoration == nil)
        let several = try #require(Familiarity([one, one]))
        #expect(several.restoration == nil && several.isWhole)
        #expect(try #require(Familiarity([one])).restoration == one.restoration)
        // Nine are too few.
        #expect(known(Array(errors.prefix(9))).judge(features: [1], images: [1], restoration: 9) == nil)
    }
}
