import Cohort
import Foundation

extension MicroBatch {
    /// Two views of each sample, and the volumes they are of.
    /// - Parameter name: what the views are drawn for beside the seed and the case, such as the epoch.
    package static func views(
        of samples: [Sample], from cases: FitCases, by scheme: ContentDropout.Scheme, seed: UInt64, name: String
    ) throws -> MicroBatch {
        let whole = try images(of: samples, from: cases)
        guard case .images(let target) = whole.content else { return whole }
        let values = target.count / samples.count
        let channel = values / samples[0].shown.count
        let dropout = ContentDropout(scheme, size: Int(Double(channel).squareRoot(3).rounded()))
        var views: [Float] = []
        views.reserveCapacity(2 * target.count)
        for view in 1...2 {
            for (i, sample) in samples.enumerated() {
                let record = cases.cases[sample.index].record
                views += dropout.view(
                    Array(target[i * values..<(i + 1) * values]), shown: sample.shown, seed: seed,
                    name: "\(record.id), \(name), view \(view)")
            }
        }
        return MicroBatch(content: .views(views, target: target), samples: samples)
    }
}

extension Double {
    fileprivate func squareRoot(_ degree: Int) -> Double { pow(self, 1 / Double(degree)) }
}
