import Cohort
import Compute
import Encoder
import Federation
import Foundation
import Glibc
import Training
import Weights

extension WorkerSession {
    /// Trains a round by the plan and writes the update.
    func train(_ plan: StudyPlan) throws -> WorkerResult? {
        let cases = try labelledCases(plan)
        try requireTrainingCases(cases)
        let lacking = beginTraining(cases, plan)
        let base = try ModelFile(task.base.path)
        let layout = try plan.updateLayout(of: base.file)
        let names = Set(layout.entries.map(\.name))
        let settings = try plan.settings(site: task.site, round: task.round.round)
        let training = cases.of(.train)
        let source = try plan.source(cache: cache)
        let round = try LocalRound(
            LocalRound.Request(
                model: base.description.configuration, goal: plan.goal, begin: LocalRound.begin(base),
                settings: settings, length: plan.length,
                rate: plan.rate(
                    settings: settings, round: task.round.round, globalStep: task.globalStep, cases: training.count),
                trains: { names.contains($0) }, cases: training, load: { try source.input($0) },
                precision: plan.precision(site: task.precision), threads: plan.training.threads ?? task.threads,
                identity: [
                    "plan": task.planDigest, "base": task.base.digest, "round": "\(task.round)",
                    "global step": "\(task.globalStep)",
                ],
                checkpoint: folder.scratch + "/checkpoint.safetensors", checkpointSeconds: task.checkpointSeconds))
        let trained = try round.run(
            report: { report in
                switch report {
                case .reading(let done, let total): progress.show(.training, done, of: total)
                case .step(let done, let total, let loss, let parts):
                    progress.show(.training, done, of: total, loss: RestorationLoss.text(loss, parts))
                }
            }, shouldStop: shouldStop)
        guard let trained else { return nil }
        guard trained.loss.isFinite else {
            throw TrainingError(.notFinite, "The mean loss of the round is not a finite number")
        }
        let parameters = round.store.layout
        let written = try DeltaWriter.write(
            to: folder.update, base: base.file, layout: layout, encoding: plan.encoding
        ) { name, offset, values in
            guard let parameter = parameters[name], let first = values.baseAddress else { return }
            let start = parameter.offset + offset
            round.store.read(start..<start + values.count, into: first)
        }
        return result(
            bytes: written.reference.bytes, norm: written.norm, norms: written.norms, encoding: plan.encoding,
            samples: trained.samples, steps: trained.steps, loss: trained.loss, lacking: lacking,
            device: round.deviceDescription)
    }

    /// Writes an update of the real size out of small made numbers: no data is touched. Its samples are the least
    /// that an update may claim, so that it takes every step a real one takes.
    func rehearse(_ plan: StudyPlan) throws -> WorkerResult? {
        let base = try SafetensorsFile(task.base.path)
        let layout = try plan.updateLayout(of: base)
        var stopped = false
        var done = 0
        let written: DeltaWriter.Written
        do {
            written = try DeltaWriter.write(
                to: folder.update, base: base, layout: layout, encoding: plan.encoding
            ) { name, offset, values in
                if shouldStop() {
                    stopped = true
                    throw CancellationError()
                }
                try base.read(name, into: values, offset: offset)
                var stream = RandomStream(seed: plan.seed, name: "rehearsal of \(task.site), \(name), \(offset)")
                for i in values.indices { values[i] += (stream.unit() - 0.5) * 1e-4 }
                done += values.count
                progress.show(.training, done, of: layout.elements)
            }
        } catch is CancellationError where stopped { return nil }
        return result(
            bytes: written.reference.bytes, norm: written.norm, norms: written.norms, encoding: plan.encoding,
            samples: EgressLimits.standard.leastCases, steps: 0, loss: nil, device: nil)
    }
}
