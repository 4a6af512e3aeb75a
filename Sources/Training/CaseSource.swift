package import Cohort
package import Compute
import Foundation
import Imaging

/// Cases as a plan wants them prepared and shown to the network.
package struct CaseSource: Sendable {
    private let loader: CaseLoader
    private let contrasts: [Contrast]

    /// - Parameters:
    ///   - recipe: the recipe as JSON.
    ///   - contrasts: names of those the model may see, such as `T1w`; others that a case has are left out.
    ///   - cache: where prepared cases are kept; nil for nowhere.
    /// - Throws: `ImagingError` when the recipe cannot be used by this release.
    package init(recipe: String, contrasts: [String], cache: PreparedCache?) throws {
        let prepared: Recipe
        do { prepared = try JSONDecoder().decode(Recipe.self, from: Data(recipe.utf8)) } catch is DecodingError {
            throw ImagingError(.badSetting, "The plan's recipe is not known to this release: \(recipe)")
        }
        loader = CaseLoader(recipe: prepared, cache: cache)
        self.contrasts = contrasts.compactMap(Contrast.init(rawValue:))
    }

    /// A case as the network takes it.
    /// - Throws: `CohortError` naming the case, also when it has none of the contrasts.
    package func input(_ record: CaseRecord) throws -> EncoderInput {
        let volume = try loader.prepared(record)
        var input = EncoderInput(voxels: volume.voxels, present: volume.present, warnings: volume.warnings)
        let values = input.voxels.count / Contrast.allCases.count
        let hidden = Contrast.allCases.filter { !contrasts.contains($0) }.map(\.channel)
        for channel in hidden where input.present[channel] {
            input.voxels.withUnsafeMutableBufferPointer {
                $0[channel * values..<(channel + 1) * values].update(repeating: 0)
            }
            input.present[channel] = false
        }
        guard input.present.contains(true) else {
            let wanted = contrasts.map(\.rawValue).joined(separator: ", ")
            throw CohortError(.badCase, "\(record.name) has none of \(wanted): leave it out of the manifest.")
        }
        return input
    }
}

extension Precision {
    /// The faster one that this processor has.
    package static var suited: Precision { (try? MathLibrary.suited(to: .bf16)) == nil ? .fp32 : .bf16 }
}
