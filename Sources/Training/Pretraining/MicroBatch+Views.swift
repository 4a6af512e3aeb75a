import Cohort

extension MicroBatch {
    /// Two views of each case, and the cases themselves.
    /// - Parameter name: what the views are drawn for beside the seed and the case, such as the epoch.
    package func views(by scheme: ContentDropout.Scheme, _ cases: FitCases, seed: UInt64, name: String) -> MicroBatch {
        guard case .images(let target) = content else { return self }
        let values = target.count / samples.count
        let dropout = ContentDropout(scheme, size: EncoderInput.edge(voxels: values / samples[0].shown.count))
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

    /// The cases, and which tokens of each are shown.
    package func masked(by mask: TokenMask, _ cases: FitCases, seed: UInt64, name: String) -> MicroBatch {
        guard case .images(let images) = content else { return self }
        let visible = samples.flatMap { sample in
            mask.draw(seed: seed, name: "\(cases.cases[sample.index].record.id), \(name)")
        }
        return MicroBatch(content: .masked(images, visible: visible), samples: samples)
    }

    /// The cases changed a little.
    func augmented(by augmentation: Augmentation, _ cases: FitCases, seed: UInt64, epoch: Int) -> MicroBatch {
        guard !augmentation.kinds.isEmpty, case .images(let images) = content else { return self }
        let values = images.count / samples.count
        var changed: [Float] = []
        changed.reserveCapacity(images.count)
        for (i, sample) in samples.enumerated() {
            var voxels = Array(images[i * values..<(i + 1) * values])
            augmentation.apply(
                to: &voxels, contrasts: sample.shown.count, seed: seed,
                name: "\(cases.cases[sample.index].record.id), epoch \(epoch)")
            changed += voxels
        }
        return MicroBatch(content: .images(changed), samples: samples)
    }
}
