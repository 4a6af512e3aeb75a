/// The cases of one pass through the network.
package struct MicroBatch: Sendable {
    package enum Content: Sendable {
        /// (count, channels, size³)
        case images([Float])
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
    /// - Parameter memory: an array whose memory may be used again.
    package static func images(
        of samples: [Sample], from cases: FitCases, reusing memory: [Float] = []
    ) throws -> MicroBatch {
        if samples.count == 1 {
            // One case needs no copy unless a contrast is dropped.
            let input = try cases.input(samples[0].index)
            var voxels = input.voxels
            hide(samples[0], present: input.present, in: &voxels, at: 0, values: input.voxels.count)
            return MicroBatch(content: .images(voxels), samples: samples)
        }
        var images = memory
        for (i, sample) in samples.enumerated() {
            let input = try cases.input(sample.index)
            let values = input.voxels.count
            if images.count != values * samples.count {
                images = [Float](repeating: 0, count: values * samples.count)
            }
            images.withUnsafeMutableBufferPointer { target in
                input.voxels.withUnsafeBufferPointer { source in
                    guard let to = target.baseAddress, let from = source.baseAddress else { return }
                    (to + i * values).update(from: from, count: values)
                }
            }
            hide(sample, present: input.present, in: &images, at: i * values, values: values)
        }
        return MicroBatch(content: .images(images), samples: samples)
    }

    private static func hide(_ sample: Sample, present: [Bool], in images: inout [Float], at start: Int, values: Int) {
        let channel = values / present.count
        for c in present.indices where present[c] && !sample.shown[c] {
            images.withUnsafeMutableBufferPointer { buffer in
                buffer[start + c * channel..<start + (c + 1) * channel].update(repeating: 0)
            }
        }
    }
}
