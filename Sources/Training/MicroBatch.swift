import Cohort

/// The cases of one pass through the network.
package struct MicroBatch: Sendable {
    package enum Content: Sendable {
        /// (count, channels, size³)
        case images([Float])
        /// Two views of each case with content taken out, all first ones before all second ones: (2·count, channels, size³);
        /// and the whole cases, (count, channels, size³).
        case views([Float], target: [Float])
        /// Whole cases, (count, channels, size³), and the tokens shown of each, (count × shown).
        case masked([Float], visible: [Int32])
        /// Pooled features of a frozen encoder, (count, features).
        case features([Float])
    }
    package let content: Content
    package let samples: [Sample]

    package init(content: Content, samples: [Sample]) {
        self.content = content
        self.samples = samples
    }

    /// Loads the images of samples, contrasts not shown set to zero.
    package static func images(of samples: [Sample], from cases: FitCases) throws -> MicroBatch {
        let first = try cases.input(samples[0].index)
        let values = first.voxels.count
        if samples.count == 1 {
            // One case needs no copy unless a contrast is dropped.
            var voxels = first.voxels
            let hidden = hidden(samples[0], first, values: values)
            if !hidden.isEmpty { voxels.withUnsafeMutableBufferPointer { hide(hidden, in: $0) } }
            return MicroBatch(content: .images(voxels), samples: samples)
        }
        let images = try [Float](unsafeUninitializedCapacity: samples.count * values) { room, filled in
            for (i, sample) in samples.enumerated() {
                let input = i == 0 ? first : try cases.input(sample.index)
                guard input.voxels.count == values else {
                    throw TrainingError(.data, "\(cases.cases[sample.index].record.name) changed while it was used")
                }
                let place = UnsafeMutableBufferPointer(rebasing: room[i * values..<(i + 1) * values])
                _ = place.initialize(from: input.voxels)
                filled = (i + 1) * values
                hide(hidden(sample, input, values: values), in: place)
            }
        }
        return MicroBatch(content: .images(images), samples: samples)
    }

    /// Where the contrasts lie that a case has and is not shown with.
    private static func hidden(_ sample: Sample, _ input: EncoderInput, values: Int) -> [Range<Int>] {
        let channel = values / input.present.count
        return input.present.indices.filter { input.present[$0] && !sample.shown[$0] }
            .map { $0 * channel..<($0 + 1) * channel }
    }

    private static func hide(_ ranges: [Range<Int>], in voxels: UnsafeMutableBufferPointer<Float>) {
        for range in ranges { voxels[range].update(repeating: 0) }
    }
}
