import Cohort
import Cryptography
import Federation
import Files
import Foundation
import Glibc
import Imaging
import Training
import Weights

extension WorkerSession {
    /// Has the site's own command train a round, and checks what it made as strictly as the coordinator will.
    ///
    /// The command is run in a folder of its own with `base.safetensors`, `plan.yaml`, `manifest.csv` (the site's train
    /// and select cases with their labels; the test split is not shown) and `round.json` (study, round, attempt, global
    /// step, seed). It writes `delta.safetensors` (the tensors that the plan trains, in the base's order and the plan's
    /// encoding) and `metrics.json` (samples, steps, loss), and ends with status 0. Its output goes to `trainer.log`.
    func train(_ plan: StudyPlan, by command: [String]) throws -> WorkerResult? {
        let cases = try labelledCases(plan)
        try requireTrainingCases(cases)
        let base = try SafetensorsFile(task.base.path)
        let layout = try plan.updateLayout(of: base)
        let work = folder.scratch + "/trainer"
        try prepare(work, plan: plan, cases: cases)
        progress.show(.training, 0, of: 1)
        let status = try SiteCommand(command, folder: work, log: folder.log).run(shouldStop: shouldStop)
        guard let status else { return nil }
        guard status == 0 else {
            throw WorkerResult.Refusal(
                .failed, "The site's own trainer failed.",
                local: "\(command[0]) ended with status \(status); see \(folder.log)")
        }
        let metrics = try metrics(work + "/metrics.json", most: cases.counts(.train).reduce(0, +))
        let (update, norm, norms) = try verified(work + "/delta.safetensors", layout: layout, plan: plan)
        guard rename(work + "/delta.safetensors", folder.update) == 0 else {
            throw WorkerResult.Refusal(
                .failed, "The site's own trainer made no update that can be taken over.",
                local: "\(work)/delta.safetensors cannot be moved: \(String(cString: strerror(errno)))")
        }
        DurableFile.synchronise(folder: folder.path)
        return result(
            update, norm: norm, norms: norms, encoding: plan.encoding, samples: metrics.samples, steps: metrics.steps,
            loss: metrics.loss, device: "external trainer")
    }

    private struct Metrics: Codable {
        var samples: Int
        var steps: Int
        var loss: Double?
    }

    private struct RoundFile: Codable {
        var study: String
        var round: Int
        var attempt: Int
        var globalStep: Int
        var seed: UInt64
    }

    private func prepare(_ work: String, plan: StudyPlan, cases: TaskCases) throws {
        try? FileManager.default.removeItem(atPath: work)
        try OutputFile.makeFolder(work)
        try FileManager.default.createSymbolicLink(
            atPath: work + "/base.safetensors", withDestinationPath: task.base.path)
        try OutputFile.write(task.plan, to: work + "/plan.yaml")
        try OutputFile.write(Self.manifest(cases), to: work + "/manifest.csv")
        let settings = try plan.settings(site: task.site, round: task.round.round)
        try OutputFile.write(
            json: RoundFile(
                study: task.round.study, round: task.round.round, attempt: task.round.attempt,
                globalStep: task.globalStep, seed: settings.seed), to: work + "/round.json")
    }

    /// Train and select cases with whole paths, as a manifest.
    static func manifest(_ cases: TaskCases) -> String {
        let header =
            ["case", "patient", "split"] + Contrast.allCases.map(\.rawValue) + ["volume", "brain", "mask"]
            + [cases.task.column]
        let rows = cases.cases.filter { $0.split != .test }.map { labelled -> [String] in
            let record = labelled.record
            return [record.id, record.patient, labelled.split.rawValue]
                + Contrast.allCases.map { record.paths.contrasts[$0] ?? "" }
                + [record.paths.volume ?? "", record.paths.brain ?? "", record.mask ?? ""]
                + [cases.task.classes[labelled.label]]
        }
        return ([header] + rows).map { $0.map(quoted).joined(separator: ",") + "\n" }.joined()
    }

    private static func quoted(_ field: String) -> String {
        guard field.contains(where: { ",\"\n\r".contains($0) }) else { return field }
        return "\"" + field.replacingOccurrences(of: "\"", with: "\"\"") + "\""
    }

    private func metrics(_ path: String, most: Int) throws(WorkerResult.Refusal) -> Metrics {
        let handle = FileHandle(forReadingAtPath: path)
        guard let bytes = try? handle?.read(upToCount: 64 << 10),
            let metrics = try? JSONDecoder().decode(Metrics.self, from: bytes)
        else {
            throw WorkerResult.Refusal(
                .failed, "The site's own trainer wrote no metrics that can be read.",
                local: "\(path) must be JSON with samples, steps and, if known, loss")
        }
        guard (1...most).contains(metrics.samples), (0...1_000_000_000).contains(metrics.steps),
            metrics.loss.map({ $0.isFinite && $0 >= 0 }) ?? true
        else {
            throw WorkerResult.Refusal(
                .failed, "The site's own trainer wrote metrics that are out of range.",
                local: "\(path): samples must be 1 to \(most), steps and loss 0 or more")
        }
        return metrics
    }

    private func verified(_ path: String, layout: UpdateLayout, plan: StudyPlan) throws
        -> (ObjectReference, norm: Double, norms: [DeltaWriter.TensorNorm])
    {
        // Of the path itself: a link is no file.
        let facts = try? FileManager.default.attributesOfItem(atPath: path)
        guard let facts, facts[.type] as? FileAttributeType == .typeRegular, let bytes = facts[.size] as? Int,
            let digest = SHA256.hex(ofFile: path)
        else {
            throw WorkerResult.Refusal(
                .failed, "The site's own trainer made no update.", local: "\(path) is missing or not a file")
        }
        var verifier = try UpdateVerifier(
            layout: layout, encoding: plan.encoding, bytes: bytes, maximumNorm: plan.maxNorm)
        try verifier.resume(fromFile: path, count: bytes)
        let update = try verifier.finish(digest: digest)
        let file = try SafetensorsFile(path)
        let norms = try layout.entries.map { entry in
            DeltaWriter.TensorNorm(name: entry.name, norm: try Self.norm(of: entry, in: file))
        }
        return (ObjectReference(digest: update.digest, bytes: update.bytes), update.norm, norms)
    }

    private static func norm(of entry: UpdateLayout.Entry, in file: SafetensorsFile) throws -> Double {
        let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: min(entry.elements, 1 << 18))
        defer { buffer.deallocate() }
        var sum = 0.0
        var offset = 0
        while offset < entry.elements {
            let piece = UnsafeMutableBufferPointer(rebasing: buffer[..<min(buffer.count, entry.elements - offset)])
            try file.read(entry.name, into: piece, offset: offset)
            for value in piece { sum += Double(value) * Double(value) }
            offset += piece.count
        }
        return sum.squareRoot()
    }
}
