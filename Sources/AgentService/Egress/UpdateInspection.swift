import CAggregation
import Cryptography
package import Federation
import Glibc
import Weights

/// What an update file holds, seen by the half of the agent that sends it: its digest and the norm of every tensor.
package struct UpdateInspection: Sendable, Equatable {
    /// Empty when it was not asked for.
    package let digest: String
    package let bytes: Int
    /// L2 norm of the whole delta.
    package let norm: Double
    package let norms: [SiteStatus.LayerNorm]

    /// Reads a file once, a mebibyte at a time.
    /// - Parameters:
    ///   - layout: the tensors that may leave, from the round's base and the plan.
    ///   - isHashed: whether the digest is wanted, which takes more time than all else.
    /// - Throws: ``EgressStop`` when it holds anything but these tensors' numbers, all finite.
    package static func inspect(
        _ path: String, layout: UpdateLayout, encoding: UpdateEncoding, isHashed: Bool = true
    ) throws -> UpdateInspection {
        let header: SafetensorsHeader
        do { header = try SafetensorsFile(path).header } catch { throw EgressStop("the update is no safetensors file") }
        do throws(Problem) { try layout.check(header, encoding: encoding) } catch { throw EgressStop(error.message) }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw EgressStop("the update cannot be read") }
        defer { close(descriptor) }
        let reader = Reader(descriptor: descriptor, isHashed: isHashed)
        try reader.skip(to: header.dataStart)
        var norms: [SiteStatus.LayerNorm] = []
        var total = 0.0
        for tensor in header.tensors {
            let squares = try reader.squares(count: tensor.elements, encoding: encoding, name: tensor.name)
            norms.append(.init(name: tensor.name, count: tensor.elements, norm: squares.squareRoot()))
            total += squares
        }
        try reader.end()
        return UpdateInspection(
            digest: reader.digest(), bytes: reader.offset, norm: total.squareRoot(), norms: norms)
    }
}

extension UpdateInspection {
    package var reference: ObjectReference { ObjectReference(digest: digest, bytes: bytes) }

    /// The file's bytes in order, hashed as they pass.
    private final class Reader {
        private static let piece = 1 << 20
        let descriptor: Int32
        private var hash: SHA256?
        private(set) var offset = 0
        private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: piece, alignment: 64)

        init(descriptor: Int32, isHashed: Bool) {
            self.descriptor = descriptor
            hash = isHashed ? SHA256() : nil
        }

        deinit { buffer.deallocate() }

        /// Of all that was read; ends it.
        func digest() -> String { hash.take()?.finish() ?? "" }

        /// Fills the buffer's first `count` bytes.
        private func fill(_ count: Int) throws {
            var have = 0
            while have < count {
                let got = read(descriptor, buffer.baseAddress.map { $0 + have }, count - have)
                guard got > 0 else {
                    if got < 0, errno == EINTR { continue }
                    throw EgressStop("the update cannot be read to its end")
                }
                have += got
            }
            hash?.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            offset += count
        }

        func skip(to end: Int) throws {
            while offset < end { try fill(min(Self.piece, end - offset)) }
        }

        /// The sum of a tensor's squares.
        func squares(count: Int, encoding: UpdateEncoding, name: String) throws -> Double {
            let kernel = encoding == .f32 ? CA_F32 : CA_BF16
            let group = 16 * encoding.type.size
            var left = count * encoding.type.size
            var sums = [Double](repeating: 0, count: 16)
            while left > 0 {
                let size = min(Self.piece, left)
                try fill(size)
                left -= size
                let padded = (size + group - 1) / group * group
                // Zeros add nothing to the last group.
                for index in size..<padded { buffer[index] = 0 }
                let largest = ca_squares(ca_best_level(), kernel, buffer.baseAddress, padded / group, &sums)
                guard largest < 0x7f80_0000 else {
                    throw EgressStop("the update's tensor \(name) holds a value that is not finite")
                }
            }
            return sums.reduce(0, +)
        }

        /// Sees that nothing follows.
        func end() throws {
            guard read(descriptor, buffer.baseAddress, 1) == 0 else {
                throw EgressStop("the update goes on after its end")
            }
        }
    }
}
