package import Cohort
package import Compute
package import Imaging

extension CaseLoader {
    /// A case as the network takes it, shown with some contrasts only.
    /// - Parameter contrasts: those the model may see; others the case has are left out.
    /// - Throws: `CohortError` naming the case, also when it has none of them.
    package func input(_ record: CaseRecord, contrasts: [Contrast] = Contrast.allCases) throws -> EncoderInput {
        let volume = try prepared(record)
        var input = EncoderInput(voxels: volume.voxels, present: volume.present, warnings: volume.warnings)
        let values = input.voxels.count / Contrast.allCases.count
        for channel in Contrast.allCases.filter({ !contrasts.contains($0) }).map(\.channel) where input.present[channel] {
            input.voxels.withUnsafeMutableBufferPointer {
                $0[channel * values..<(channel + 1) * values].update(repeating: 0)
            }
            input.present[channel] = false
        }
        guard input.present.contains(true) else {
            throw CohortError(
                .badCase, "\(record.name) has none of \(contrasts.map(\.rawValue).joined(separator: ", ")): leave it out.")
        }
        return input
    }
}

extension Precision {
    /// The faster one that this processor has.
    package static var suited: Precision { (try? MathLibrary.suited(to: .bf16)) == nil ? .fp32 : .bf16 }
}
