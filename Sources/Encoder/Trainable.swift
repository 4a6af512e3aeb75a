package import Compute

/// The parameters an optimiser changes, packed one after the other: gradients and moments exist for these only.
package struct Trainable: Sendable {
    /// Parts of the flat parameter vector and where their gradients lie, in order, neighbours joined.
    package let runs: [(parameters: Range<Int>, gradients: Range<Int>)]
    /// Number of gradient values, padding included.
    package let count: Int
    private let offsets: [Int?]

    /// - Parameter include: whether a parameter is trained.
    package init(_ layout: ParameterLayout, where include: (Parameter) -> Bool) {
        var runs: [(parameters: Range<Int>, gradients: Range<Int>)] = []
        var offsets: [Int?] = []
        var total = 0
        for (i, parameter) in layout.parameters.enumerated() {
            guard include(parameter) else {
                offsets.append(nil)
                continue
            }
            let end = i + 1 < layout.parameters.count ? layout.parameters[i + 1].offset : layout.count
            let padded = end - parameter.offset
            offsets.append(total)
            if let last = runs.last, last.parameters.upperBound == parameter.offset {
                runs[runs.count - 1] = (
                    last.parameters.lowerBound..<end, last.gradients.lowerBound..<total + padded
                )
            } else {
                runs.append((parameter.offset..<end, total..<total + padded))
            }
            total += padded
        }
        self.runs = runs
        self.offsets = offsets
        count = total
    }

    /// What classification trains: everything but the final norm and the decoders, which its gradient never reaches.
    package static func classification(_ layout: ParameterLayout) -> Trainable {
        Trainable(layout) { !Trainable.decoderOnly($0.name) }
    }

    /// What reconstruction trains: everything but the head.
    package static func reconstruction(_ layout: ParameterLayout) -> Trainable {
        Trainable(layout) { !ParameterLayout.isHead($0.name) }
    }

    /// Whether only a decoder uses a parameter.
    package static func decoderOnly(_ name: String) -> Bool {
        name.hasPrefix("norm.") || name.hasPrefix("conv3d_transpose") || name.hasPrefix(ParameterLayout.maskDecoder)
    }

    /// Where a parameter's gradient starts; nil when it is not trained.
    package func offset(of index: Int) -> Int? { offsets[index] }
}

/// The gradients of the trained parameters.
package final class Gradients {
    package let trainable: Trainable
    package let values: Buffer<Float>

    package init(_ trainable: Trainable) throws(EncoderError) {
        self.trainable = trainable
        do { values = try Buffer(count: trainable.count) } catch { throw EncoderError(error) }
    }

    /// The gradient of a parameter; nil when it is not trained.
    package func pointer(_ index: Int) -> UnsafeMutablePointer<Float>? {
        trainable.offset(of: index).map { values.base + $0 }
    }
}
