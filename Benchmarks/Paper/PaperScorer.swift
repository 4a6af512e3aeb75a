import Cohort
import Compute
import Encoder
import Foundation
import Imaging
import Statistics
import Synchronization
import Training

/// What a model says of the cases of a split, and its areas.
struct PaperScores: Codable {
    var labels: [Bool]
    var sites: [String]
    var patients: [String]
    /// Of the positive class.
    var scores: [Double]

    /// The primary figure: only cases of one site are compared.
    var withinSites: DeLong.Estimate? {
        StratifiedArea.estimate(labels: labels, scores: scores, sites: sites, patients: patients)
    }

    /// Cases of some sites.
    func only(_ isWanted: (String) -> Bool) -> PaperScores {
        let kept = sites.indices.filter { isWanted(sites[$0]) }
        return PaperScores(
            labels: kept.map { labels[$0] }, sites: kept.map { sites[$0] }, patients: kept.map { patients[$0] },
            scores: kept.map { scores[$0] })
    }

    /// Change of the area within sites from another model's to this one's, on the same cases.
    func change(from other: PaperScores) -> (value: Double, interval: [Double])? {
        StratifiedArea.compare(labels: labels, scores, other.scores, sites: sites, patients: patients).flatMap {
            change in
            change.interval().map { (change.difference, $0.ends) }
        }
    }
}

/// Scores models over the cases of a manifest. Prepared cases are kept on disk and, since some eighty models are scored
/// over the same, in memory: half a megabyte a case of 32³ voxels.
final class PaperScorer: Sendable {
    private let cache: PreparedCache?
    /// By recipe, contrasts and the path of a scan.
    private let inputs = Mutex<[String: EncoderInput]>([:])

    init(folder: String) { cache = PreparedCache(folder: folder + "/prepared", days: 365) }

    private func input(_ record: CaseRecord, _ source: CaseSource, _ shown: String) throws -> EncoderInput {
        let key = shown + (record.paths.contrasts.values.min() ?? record.id)
        if let kept = inputs.withLock({ $0[key] }) { return kept }
        let input = try source.input(record)
        inputs.withLock { $0[key] = input }
        return input
    }

    func scores(_ path: String, _ manifest: String, _ task: PaperProtocol.Task, _ split: Split) throws -> PaperScores {
        let file = try ModelFile(path)
        let cases = try TaskCases(manifest: manifest, column: task.name, classes: task.classes).of(split)
        let source = try CaseSource(
            recipe: file.description.recipe ?? "", contrasts: file.description.contrasts, cache: cache)
        let shown = "\(file.description.recipe ?? "") \(file.description.contrasts ?? [])"
        // Of small networks a pass over one case is too short to be shared between threads.
        let threads = Preparation.defaultThreads
        let parts = try mapInParallel(threads, threads: threads) { part in
            let own = cases[cases.count * part / threads..<cases.count * (part + 1) / threads]
            return try CaseScores.of(
                file, cases: Array(own), load: { try self.input($0, source, shown) }, precision: .suited, threads: 1)
        }
        return PaperScores(
            labels: cases.map { $0.label == 1 }, sites: cases.map { Self.site($0.record) },
            patients: cases.map(\.record.patient),
            scores: parts.compactMap(\.self).flatMap { $0.probabilities.map { $0[1] } })
    }

    /// The generator's site, from the path of a scan.
    private static func site(_ record: CaseRecord) -> String {
        let path = record.paths.contrasts.values.first ?? ""
        return path.split(separator: "/").last { $0.hasPrefix("site-") }.map(String.init) ?? ""
    }
}
