import CAggregation
package import Weights

/// Writes an update: what training changed in the trained tensors, in the plan's encoding, one chunk in memory at a time.
package struct DeltaWriter {
    /// An update as written.
    package struct Written: Sendable, Equatable {
        package let reference: ObjectReference
        /// L2 norm of the whole delta as stored, the very number the coordinator finds.
        package let norm: Double
        /// L2 norm of each tensor, in the file's order.
        package let norms: [TensorNorm]
    }

    /// How far one tensor moved.
    package struct TensorNorm: Sendable, Equatable, Codable {
        package let name: String
        package let norm: Double

        package init(name: String, norm: Double) {
            self.name = name
            self.norm = norm
        }
    }

    /// Fills the buffer with the trained values of a tensor from an element on.
    package typealias LocalValues = (
        _ name: String, _ offset: Int, _ into: UnsafeMutableBufferPointer<Float>
    ) throws -> Void

    private static let chunk = 1 << 18

    /// - Parameters:
    ///   - path: where the update appears, complete and durable.
    ///   - base: the round's base model.
    ///   - layout: made from the same base.
    ///   - local: gives the trained values.
    /// - Throws: what `local` throws, `WeightsError` from files, or `Problem` `.notANumber` or `.infinite` when training
    ///   diverged; the path is then as it was.
    package static func write(
        to path: String, base: SafetensorsFile, layout: UpdateLayout, encoding: UpdateEncoding, local: LocalValues
    ) throws -> Written {
        var writer = try SafetensorsWriter(
            path, entries: layout.entries.map { .init($0.name, encoding.type, $0.shape) })
        let level = ca_best_level()
        var whole = RunningNorm(encoding, level: level)
        var norms: [TensorNorm] = []
        let before = UnsafeMutableBufferPointer<Float>.allocate(capacity: chunk)
        defer { before.deallocate() }
        let after = UnsafeMutableBufferPointer<Float>.allocate(capacity: chunk)
        defer { after.deallocate() }
        for entry in layout.entries {
            var own = RunningNorm(encoding, level: level)
            var offset = 0
            while offset < entry.elements {
                let count = min(chunk, entry.elements - offset)
                let (old, new) = (
                    UnsafeMutableBufferPointer(rebasing: before[..<count]),
                    UnsafeMutableBufferPointer(rebasing: after[..<count])
                )
                try base.read(entry.name, into: old, offset: offset)
                try local(entry.name, offset, new)
                // The delta takes the place of the old values: it is never larger.
                let delta = UnsafeMutableRawBufferPointer(
                    rebasing: UnsafeMutableRawBufferPointer(old)[..<(count * encoding.type.size)])
                ca_delta(level, encoding.kernel, new.baseAddress, old.baseAddress, delta.baseAddress, count)
                if let finding = own.add(UnsafeRawBufferPointer(delta)) { throw problem(finding, entry.name) }
                _ = whole.add(UnsafeRawBufferPointer(delta))
                try writer.append(UnsafeRawBufferPointer(delta))
                offset += count
            }
            let (norm, finding) = own.finish()
            if let finding { throw problem(finding, entry.name) }
            norms.append(TensorNorm(name: entry.name, norm: norm))
        }
        let digest = try writer.finish()
        let bytes = try SafetensorsFile(path).fileBytes
        return Written(
            reference: ObjectReference(digest: digest, bytes: bytes), norm: whole.finish().norm, norms: norms)
    }

    private static func problem(_ finding: RunningNorm.Finding, _ name: String) -> Problem {
        Problem(
            finding.isNaN ? .notANumber : .infinite,
            "Training made the tensor \(name) \(finding.isNaN ? "not a number" : "infinite") at element \(finding.index);"
                + " lower the learning rate and look at the data.")
    }
}

extension SafetensorsFile {
    /// Bytes of the whole file.
    package var fileBytes: Int { header.dataStart + (tensors.last?.range.upperBound ?? 0) }
}
