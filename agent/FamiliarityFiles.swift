import Compute
import Encoder
import Files
import Foundation
import Statistics
import Training

/// What a fit writes beside its model, by which later cases unlike its training cases are told.
struct FamiliarityFiles {
    private let model: String
    /// What the training cases are like.
    let known: String
    /// A copy of the pretrained model that the fit began as, where it began as one.
    let restorer: String

    init(of model: String) {
        self.model = model
        let folder = (model as NSString).deletingLastPathComponent
        known = folder + "/familiarity.json"
        restorer = folder + "/restorer.safetensors"
    }

    /// - Returns: nil where there is no such file.
    /// - Throws: ``TrainingError`` for a file that is damaged or of another model.
    func known(of digest: String) throws -> Familiarity? {
        guard let data = FileManager.default.contents(atPath: known) else { return nil }
        guard let found = try? JSONDecoder().decode(Familiarity.self, from: data), found.isWhole else {
            throw TrainingError(.data, "\(known) is damaged or of another version: remove it, or fit again")
        }
        guard found.model == digest else {
            throw TrainingError(.data, "\(known) is of another model than \(model): remove it, or fit again")
        }
        return found
    }

    /// - Returns: nil where it is not kept any more.
    /// - Throws: ``TrainingError`` for another model.
    func restorer(digest: String, _ precision: Precision, _ threads: Int?) throws -> CaseRestorer? {
        guard FileManager.default.fileExists(atPath: restorer) else { return nil }
        guard try ModelPath.digest(restorer) == digest else {
            throw TrainingError(
                .data, "\(restorer) is not the pretrained model that \(model) began as: remove it, or fit again")
        }
        return try CaseRestorer(ModelFile(restorer), precision: precision, threads: threads)
    }

    /// Keeps a copy of the pretrained model.
    func keep(restorer source: String) throws {
        let bytes = (try? FileManager.default.attributesOfItem(atPath: source)[.size] as? Int) ?? 0
        let copy = try DurableFile(restorer, size: bytes)
        let file = try FileHandle(forReadingFrom: URL(filePath: source))
        while let piece = try file.read(upToCount: 1 << 22), !piece.isEmpty { try copy.append(Array(piece)) }
        try copy.commit()
    }
}
