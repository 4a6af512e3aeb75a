import CoordinatorService
import Federation
import Foundation
import Reporting
import Testing

@Suite struct BinnedCurvesTests {
    @Test("a curve rises from nothing to all, its area is that of the bins; a calibrated model lies on the diagonal")
    func curves() throws {
        // Scores whose probability is what it says: of the bin's middle, that share is positive.
        let bins = (0..<32).map { i in
            let logit = -8 + Double(2 * i + 1) * 0.25
            let share = 1 / (1 + exp(-logit))
            return ScoreHistogram.Bin(
                first: 2 * i, last: 2 * i + 1, positive: Int((1000 * share).rounded()),
                negative: 1000 - Int((1000 * share).rounded()))
        }
        let curves = try #require(BinnedCurves(bins))
        #expect(curves.roc.first == .init(0, 0) && curves.roc.last?.x == 1 && curves.roc.last?.y == 1)
        for (a, b) in zip(curves.roc, curves.roc.dropFirst()) { #expect(a.x <= b.x && a.y <= b.y) }
        let area = zip(curves.roc, curves.roc.dropFirst()).reduce(0) { $0 + ($1.1.x - $1.0.x) * ($1.0.y + $1.1.y) / 2 }
        #expect(abs(area - (BinnedAUC(bins)?.area ?? 0)) < 1e-12)
        #expect(curves.calibration.count >= 8)
        for point in curves.calibration {
            #expect(abs(point.x - point.y) < 0.01)
            #expect((point.interval?[0] ?? 1) <= point.y && (point.interval?[1] ?? 0) >= point.y)
        }
        // Forty cases of one site with logits from −1 to 1: the outer bins were stretched to the ends of what there may be.
        let few = try #require(
            BinnedCurves([
                .init(first: 0, last: 29, positive: 3, negative: 7),
                .init(first: 30, last: 31, positive: 5, negative: 5),
                .init(first: 32, last: 33, positive: 5, negative: 5),
                .init(first: 34, last: 63, positive: 7, negative: 3),
            ]))
        #expect(few.calibration.count == 4 && few.calibration.allSatisfy { abs($0.x - $0.y) < 0.07 })
        #expect(BinnedCurves([.init(first: 0, last: 3, positive: 4, negative: 0)]) == nil && BinnedCurves([]) == nil)
    }
}
