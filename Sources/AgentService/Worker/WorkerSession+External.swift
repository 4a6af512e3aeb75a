import Cohort
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
        let lacking = beginTraining(cases, plan)
        let base = try SafetensorsFile(task.base.path)
        let layout = try plan.updateLayout(of: base)
        let work = folder.scratch + "/trainer"
        try prepare(work, plan: plan, cases: cases)
        let status = try SiteCommand(command, folder: work, log: folder.log).run(shouldStop: shouldStop)
        guard let status else { return nil }
        guard status == 0 else {
            throw WorkerResult.Refusal(
                .failed, "The site's own trainer failed.",
                local: "\(command[0]) ended with status \(status); see \(folder.log)")
        }
        let metrics = try metrics(work + "/metrics.json", most: cases.counts(.train).reduce(0, +))
        let made = try taken(work + "/delta.safetensors", layout: layout, plan: plan)
        return result(
            bytes: made.bytes, norm: made.norm,
            norms: made.norms.map { .init(name: $0.name, norm: $0.norm) }, encoding: plan.encoding,
            samples: metrics.samples, steps: metrics.steps, loss: metrics.loss, lacking: lacking,
            device: "external trainer")
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

    /// Looks at what was made, as the agent will before it signs and sends it, and makes it durable.
    private func taken(_ path: String, layout: UpdateLayout, plan: StudyPlan) throws -> UpdateInspection {
        let seen: UpdateInspection
        do { seen = try UpdateInspection.inspect(path, layout: layout, encoding: plan.encoding, isHashed: false) } catch
        {
            throw WorkerResult.Refusal(
                .failed, "The site's own trainer made no update that can be taken over.", local: "\(path): \(error)")
        }
        if let most = plan.maxNorm, seen.norm > most {
            throw WorkerResult.Refusal(
                .failed, "The update's norm \(seen.norm) is above the plan's max_norm \(most).")
        }
        guard DurableFile.synchronise(file: path), rename(path, folder.update) == 0 else {
            throw WorkerResult.Refusal(
                .resources, "The site's own trainer made an update that cannot be kept.",
                local: "\(path) cannot be moved to \(folder.update): \(String(cString: strerror(errno)))")
        }
        DurableFile.synchronise(folder: folder.path)
        return seen
    }
}
