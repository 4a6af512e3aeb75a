import CKernels
package import Compute

/// All parameters of a model as one flat vector, ready for training.
///
/// In fp32 it is a vector of floats. In bf16 it is two planes of 16 bits, the bfloat16 value that products read and the
/// rest that makes it the exact fp32 number again; parameters that products do not read are kept as floats beside them.
package final class ParameterStore: ParameterSource {
    package let layout: ParameterLayout
    package let device: Device
    private let storage: Storage

    private enum Storage {
        case single(Buffer<Float>)
        case planes(high: Buffer<UInt16>, low: Buffer<Int16>, full: Buffer<Float>, fullOffsets: [Int])
    }

    /// All zeros.
    package init(_ layout: ParameterLayout, device: Device) throws(EncoderError) {
        self.layout = layout
        self.device = device
        do throws(ComputeError) {
            switch device.precision {
            case .fp32:
                storage = .single(try Buffer(count: layout.count))
            case .bf16:
                var offsets: [Int] = []
                var total = 0
                for parameter in layout.parameters {
                    offsets.append(total)
                    if !parameter.isMatrix { total += (parameter.count + 15) / 16 * 16 }
                }
                storage = .planes(
                    high: try Buffer(count: layout.count), low: try Buffer(count: layout.count),
                    full: try Buffer(count: total), fullOffsets: offsets)
            }
        } catch { throw EncoderError(error) }
    }

    package func matrix(_ index: Int) -> UnsafeRawPointer? {
        let offset = layout.parameters[index].offset
        return switch storage {
        case .single(let values): UnsafeRawPointer(values.base + offset)
        case .planes(let high, _, _, _): UnsafeRawPointer(high.base + offset)
        }
    }

    package func vector(_ index: Int) -> UnsafePointer<Float> {
        switch storage {
        case .single(let values): UnsafePointer(values.base + layout.parameters[index].offset)
        case .planes(_, _, let full, let offsets): UnsafePointer(full.base + offsets[index])
        }
    }

    package func multiply(
        _ a: UnsafeRawPointer, weight index: Int, into c: UnsafeMutableRawPointer, m: Int, halfResult: Bool
    ) throws(EncoderError) {
        let (n, k) = layout.parameters[index].matrixShape
        guard let weight = matrix(index) else { return }
        do {
            try device.multiply(
                Matrix(a, width: k), Matrix(weight, width: k).transposed, into: c, m: m, n: n, k: k,
                halfResult: halfResult)
        } catch { throw EncoderError(error) }
    }

    /// Copies fp32 values out of the flat vector.
    package func read(_ range: Range<Int>, into values: UnsafeMutablePointer<Float>) {
        switch storage {
        case .single(let all): values.update(from: all.base + range.lowerBound, count: range.count)
        case .planes(let high, let low, _, _):
            ck_join(device.team, high.base + range.lowerBound, low.base + range.lowerBound, values, range.count)
        }
    }

    /// Replaces values of the flat vector. ``refreshVectors()`` must follow before the network runs.
    package func write(_ range: Range<Int>, from values: UnsafePointer<Float>) {
        switch storage {
        case .single(let all): (all.base + range.lowerBound).update(from: values, count: range.count)
        case .planes(let high, let low, _, _):
            ck_split(device.team, values, high.base + range.lowerBound, low.base + range.lowerBound, range.count)
        }
    }

    /// Brings the fp32 copies that bf16 keeps of biases, norms and heads up to date with the flat vector.
    package func refreshVectors() {
        guard case .planes(let high, let low, let full, let offsets) = storage else { return }
        for (parameter, offset) in zip(layout.parameters, offsets) where !parameter.isMatrix {
            ck_join(
                device.team, high.base + parameter.offset, low.base + parameter.offset, full.base + offset,
                parameter.count)
        }
    }

    /// Runs an optimiser's kernel on a part of the flat vector, in the form it is kept in.
    package func update(
        _ range: Range<Int>,
        single: (UnsafeMutablePointer<Float>) -> Void,
        planes: (UnsafeMutablePointer<UInt16>, UnsafeMutablePointer<Int16>) -> Void
    ) {
        switch storage {
        case .single(let values): single(values.base + range.lowerBound)
        case .planes(let high, let low, _, _): planes(high.base + range.lowerBound, low.base + range.lowerBound)
        }
    }
}
