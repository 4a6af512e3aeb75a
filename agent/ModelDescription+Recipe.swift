import Encoder
import Foundation
import Imaging

extension ModelDescription {
    /// How scans are prepared for the model; nil when the file does not say.
    /// - Throws: one sentence naming the file when what it says cannot be used.
    func preparation(of path: String) throws -> Recipe? {
        guard let recipe else { return nil }
        do { return try JSONDecoder().decode(Recipe.self, from: Data(recipe.utf8)) } catch let error as ImagingError {
            throw error
        } catch {
            throw EncoderError(.weights, "\(path) carries a recipe that cannot be read: it is damaged, fit again")
        }
    }

    /// Whether cases prepared by a recipe are what the encoder takes.
    /// - Throws: one sentence with both sizes when they are not.
    func require(_ recipe: Recipe, of path: String) throws(EncoderError) {
        let encoder = configuration.encoder
        guard recipe.size == encoder.imageSize, encoder.inChannels == Contrast.allCases.count else {
            throw EncoderError(
                .weights,
                "\(path) takes \(encoder.inChannels) contrasts of \(encoder.imageSize) voxels along an edge and its recipe "
                    + "prepares \(Contrast.allCases.count) of \(recipe.size): it is damaged, fit again")
        }
    }
}
