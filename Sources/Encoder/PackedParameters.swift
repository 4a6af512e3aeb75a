package import Compute
import CKernels

/// Parameters for inference: the blocks' matrices in the layout the library multiplies fastest, everything else plain.
///
/// They are filled one tensor at a time, so that loading never holds a second copy of the model.
package final class PackedParameters: ParameterSource {
    package let layout: ParameterLayout
    package let device: Device
    private let tokens: Int
    private var packed: [PackedMatrix?]
    private var plain: [Buffer<UInt8>?]

    /// - Parameter model: the model; inference runs one case at a time.
    package init(_ model: ModelConfiguration, device: Device) {
        layout = ParameterLayout(model)
        self.device = device
        tokens = model.encoder.tokens
        packed = Array(repeating: nil, count: layout.parameters.count)
        plain = Array(repeating: nil, count: layout.parameters.count)
    }

    /// Sets one parameter.
    /// - Parameter values: its fp32 values in the order of its shape.
    package func set(_ index: Int, to values: UnsafePointer<Float>) throws(EncoderError) {
        let parameter = layout.parameters[index]
        do throws(ComputeError) {
            guard parameter.isMatrix else {
                plain[index] = try Self.copy(values, parameter.count * 4)
                return
            }
            var converted: Buffer<UInt16>?
            if device.precision.half {
                let half = try Buffer<UInt16>(count: parameter.count)
                ck_to_half(device.team, values, half.base, parameter.count)
                converted = half
            }
            let source = converted.map { UnsafeRawPointer($0.base) } ?? UnsafeRawPointer(values)
            guard !Trainable.decoderOnly(parameter.name) else {
                plain[index] = try Self.copy(source, parameter.count * device.precision.bytes)
                return
            }
            let (n, k) = parameter.matrixShape
            packed[index] = try PackedMatrix(
                device, weight: source, m: tokens, n: n, k: k, halfResult: halfResult(parameter))
        } catch { throw EncoderError(error) }
    }

    /// Queries, keys and values go on as activations; all other products are summed in fp32.
    private func halfResult(_ parameter: Parameter) -> Bool {
        device.precision.half && parameter.name.hasSuffix("attn.qkv.weight")
    }

    private static func copy(_ source: UnsafeRawPointer, _ bytes: Int) throws(ComputeError) -> Buffer<UInt8> {
        let buffer = try Buffer<UInt8>(count: bytes)
        UnsafeMutableRawPointer(buffer.base).copyMemory(from: source, byteCount: bytes)
        return buffer
    }

    package func matrix(_ index: Int) -> UnsafeRawPointer? { plain[index].map { UnsafeRawPointer($0.base) } }

    package func vector(_ index: Int) -> UnsafePointer<Float> {
        guard let buffer = plain[index] else {
            preconditionFailure("parameter \(layout.parameters[index].name) was never loaded")
        }
        return UnsafeRawPointer(buffer.base).assumingMemoryBound(to: Float.self)
    }

    package func multiply(
        _ a: UnsafeRawPointer, weight index: Int, into c: UnsafeMutableRawPointer, m: Int, halfResult: Bool
    ) throws(EncoderError) {
        precondition(m == tokens, "packed parameters multiply one case at a time")
        guard let matrix = packed[index] else {
            preconditionFailure("parameter \(layout.parameters[index].name) was never loaded")
        }
        do { try matrix.multiply(a, into: c) } catch { throw EncoderError(error) }
    }
}
