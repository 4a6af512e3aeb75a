package import Cohort
import Foundation
package import Imaging

/// Cases as a plan wants them prepared and shown to the network.
package struct CaseSource: Sendable {
    private let loader: CaseLoader
    private let contrasts: [Contrast]

    /// How cases are prepared.
    package var recipe: Recipe { loader.recipe }

    /// - Parameters:
    ///   - recipe: the recipe as JSON.
    ///   - contrasts: names of those the model may see, such as `T1w`; others that a case has are left out. Nil for all.
    ///   - cache: where prepared cases are kept; nil for nowhere.
    /// - Throws: `ImagingError` when the recipe cannot be used by this release.
    package init(recipe: String, contrasts: [String]?, cache: PreparedCache?) throws {
        self.init(CaseLoader(recipe: try Self.recipe(recipe), cache: cache), contrasts: contrasts)
    }

    /// - Parameter contrasts: as above.
    package init(_ loader: CaseLoader, contrasts: [String]?) {
        self.loader = loader
        self.contrasts = contrasts?.compactMap(Contrast.init(rawValue:)) ?? Contrast.allCases
    }

    /// A recipe from its JSON.
    /// - Throws: `ImagingError` when it cannot be used by this release.
    package static func recipe(_ text: String) throws -> Recipe {
        do { return try JSONDecoder().decode(Recipe.self, from: Data(text.utf8)) } catch is DecodingError {
            throw ImagingError(.badSetting, "The plan's recipe is not known to this release: \(text)")
        }
    }

    /// A case as the network takes it.
    /// - Throws: `CohortError` naming the case, also when it has none of the contrasts.
    package func input(_ record: CaseRecord) throws -> EncoderInput {
        let volume = try volume(record)
        return EncoderInput(voxels: volume.voxels, present: volume.present, warnings: volume.warnings)
    }

    /// The same with where it lies.
    package func volume(_ record: CaseRecord) throws -> PreparedVolume {
        var volume = try loader.prepared(record)
        let values = volume.voxels.count / Contrast.allCases.count
        let hidden = Contrast.allCases.filter { !contrasts.contains($0) }.map(\.channel)
        for channel in hidden where volume.present[channel] {
            volume.voxels.withUnsafeMutableBufferPointer {
                $0[channel * values..<(channel + 1) * values].update(repeating: 0)
            }
            volume.present[channel] = false
        }
        guard volume.present.contains(true) else {
            let wanted = contrasts.map(\.rawValue).joined(separator: ", ")
            throw CohortError(.badCase, "\(record.name) has none of \(wanted): leave it out of the manifest.")
        }
        return volume
    }
}
