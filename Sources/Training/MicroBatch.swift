import Foundation
import Synchronization

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

/// Loads passes on a thread of its own ahead of the one that computes, a bounded number of them, in order.
///
/// ```swift
/// let queue = MicroBatchQueue(passes, from: cases)
/// defer { queue.cancel() }
/// while let batch = try queue.next() { … }
/// ```
package final class MicroBatchQueue: Sendable {
    private struct State {
        var ready: [Result<MicroBatch, any Error>] = []
        var spare: [[Float]] = []
        var cancelled = false
    }
    private let state = Mutex(State())
    private let free: DispatchSemaphore
    private let filled = DispatchSemaphore(value: 0)
    private let total: Int
    private let taken = Mutex(0)

    /// - Parameter depth: passes loaded ahead.
    package init(_ passes: [[Sample]], from cases: FitCases, depth: Int = 2) {
        free = DispatchSemaphore(value: depth)
        total = passes.count
        let thread = Thread { [self] in
            for samples in passes {
                free.wait()
                let memory: [Float]? = state.withLock { $0.cancelled ? nil : $0.spare.popLast() ?? [] }
                guard let memory else { return }
                let result = Result { try MicroBatch.images(of: samples, from: cases, reusing: memory) }
                state.withLock { $0.ready.append(result) }
                filled.signal()
            }
        }
        thread.name = "cases"
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// The next pass; nil after the last.
    /// - Throws: what loading a case threw.
    package func next() throws -> MicroBatch? {
        guard
            taken.withLock({
                $0 += 1; return $0 <= total
            })
        else { return nil }
        filled.wait()
        let result = state.withLock { $0.ready.removeFirst() }
        free.signal()
        return try result.get()
    }

    /// Gives the memory of a pass back for one to come.
    package func recycle(_ batch: consuming MicroBatch) {
        guard case .images(let images) = batch.content, batch.samples.count > 1 else { return }
        state.withLock { $0.spare.append(images) }
    }

    /// Ends the loading; passes not yet taken are dropped.
    package func cancel() {
        state.withLock { $0.cancelled = true }
        free.signal()
    }
}
