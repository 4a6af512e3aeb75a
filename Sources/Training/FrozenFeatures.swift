package import Encoder

/// What a frozen encoder makes of each case, computed once for every set of contrasts it is shown with.
package final class FrozenFeatures {
    private struct Key: Hashable {
        let index: Int
        let shown: [Bool]
    }
    private let cases: FitCases
    private let network: Network
    private var known: [Key: [Float]] = [:]

    package init(_ cases: FitCases, network: Network) {
        self.cases = cases
        self.network = network
    }

    /// A pass made of features.
    package func batch(_ samples: [Sample]) throws -> MicroBatch {
        var features: [Float] = []
        for sample in samples {
            let key = Key(index: sample.index, shown: sample.shown)
            if let found = known[key] {
                features += found
                continue
            }
            let one = try MicroBatch.images(of: [sample], from: cases)
            guard case .images(let images) = one.content else { continue }
            let made = try network.features(images, count: 1, present: [sample.shown])
            known[key] = made
            features += made
        }
        return MicroBatch(content: .features(features), samples: samples)
    }
}
