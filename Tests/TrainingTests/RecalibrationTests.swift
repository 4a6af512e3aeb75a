import Foundation
import Testing
import Training

@Suite struct RecalibrationTests {
    private func cases(_ scores: [(Double, Int)]) -> Recalibration.Cases {
        var cases = Recalibration.Cases()
        for (score, label) in scores {
            cases.probabilities.append([1 - score, score])
            cases.labels.append(label)
        }
        return cases
    }

    @Test("the threshold finds the share asked for; what is far off is told by the temperature; the model's own stays")
    func chooses() throws {
        let negatives = (0..<20).map { (0.01 + Double($0) * 0.01, 0) }
        let positives = (0..<20).map { (0.1 + Double($0) * 0.01, 1) }
        let select = cases(negatives + positives)
        let test = cases([(0.05, 0), (0.3, 1)])
        let made = try Recalibration(
            select: select, test: test, asked: 0.9, own: 0.5, modelDigest: "d", task: "t")
        #expect(abs(made.threshold - 0.12) < 1e-9 && made.ownThreshold == 0.5)
        #expect(made.select.sensitivity == 0.9)
        #expect(made.test?.accuracy == 1 && made.testAtOwn?.accuracy == 0.5)
        // Half of the cases are positive and all are called improbable: the scores are too sure.
        #expect((made.temperature ?? 0) > 1)
        let again = try JSONDecoder().decode(Recalibration.self, from: JSONEncoder().encode(made))
        #expect(again == made && again.what.contains("not the model's own"))
    }

    @Test("too few cases, or more classes, are a sentence")
    func refuses() {
        func message(_ cases: Recalibration.Cases) -> String? {
            do {
                _ = try Recalibration(
                    select: cases, test: .init(), asked: 0.9, own: 0.5, modelDigest: "", task: nil)
                return nil
            } catch { return error.description }
        }
        #expect(message(cases((0..<30).map { _ in (0.4, 0) }))?.contains("0 positive and 30 negative") == true)
        var three = Recalibration.Cases()
        three.probabilities = [[0.2, 0.3, 0.5]]
        three.labels = [1]
        #expect(message(three)?.contains("two classes") == true)
    }
}
