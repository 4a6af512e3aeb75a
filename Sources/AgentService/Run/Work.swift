import Compute
import Cryptography
import Federation
import Foundation
import Transport
import Weights

/// One assignment from its beginning to its end: fetch, hand to the worker, check, ask, send. Every step looks first
/// whether it is done already, so the whole may be begun again at any time.
struct Work: Sendable {
    let record: TaskRecord
    let assignment: Assignment
    let around: Surroundings
    let link: any CoordinatorLink

    /// Does what is left, without end until it is done or cancelled.
    func run() async {
        var waits = Backoff()
        defer { around.tell(record.id, nil) }
        while !Task.isCancelled {
            do {
                try await advance()
                around.narrator.settle(record.id)
                return
            } catch is CancellationError {
                return
            } catch let stop as EgressStop {
                await giveUp(.egress, "what the worker made did not pass the egress schema", because: stop.description)
            } catch let error as TransportError where error.code == .cancelled {
                return
            } catch {
                around.narrator.say("\(record.id): \(error); trying again", on: record.id)
                do { try await Task.sleep(for: min(waits.next(), AgentRun.longestWait)) } catch { return }
            }
        }
    }

    private func advance() async throws {
        if try record.outcome != nil { return }
        if try record.refusal == nil, try record.outgoing == nil {
            try await fetch()
            try handOver()
            guard let result = try await result() else { return try await deliverRefusal() }
            try prepare(result)
        }
        if try record.refusal != nil { return try await deliverRefusal() }
        guard let outgoing = try record.outgoing else { return }
        guard try await isApproved() else { return try await deliverRefusal() }
        try await send(outgoing)
    }

    func tell(_ phase: Activity.Phase, _ done: Int = 0, _ total: Int = 0) {
        around.tell(record.id, Activity(round: assignment.round, phase: phase, done: done, total: total))
    }

    // MARK: Fetching

    private func fetch() async throws {
        let objects = [assignment.base] + (assignment.candidate.map { [$0] } ?? [])
        for object in objects {
            let path = around.folder.object(object.digest)
            if (try? FileManager.default.attributesOfItem(atPath: path)[.size]) as? Int == object.bytes { continue }
            tell(.fetching, 0, object.bytes)
            try await around.withinHours(record.id) {
                try await link.fetch(object, to: path) { done in
                    tell(.fetching, done, object.bytes)
                } trouble: { error in
                    around.narrator.say("\(record.id): \(error.description); trying again", on: record.id)
                }
            }
        }
    }

    // MARK: The worker

    private func handOver() throws {
        if FileManager.default.fileExists(atPath: record.folder.path + "/task.json") { return }
        let settings = around.configuration
        let document = try plan().document
        let data = assignment.kind == .rehearse ? nil : settings.data(study: assignment.round.study)
        guard assignment.kind == .rehearse || data != nil else {
            return try refuse(.policy, "this site has no data for the study")
        }
        let candidate = assignment.candidate.map {
            WorkerTask.Model(path: around.folder.object($0.digest), digest: $0.digest)
        }
        let trainer: WorkerTask.Trainer =
            switch settings.trainer {
            case .builtin: .builtIn
            case .external(let command): .external(command)
            }
        try record.folder.submit(
            WorkerTask(
                kind: assignment.kind, site: around.record.site, round: assignment.round, plan: document.text,
                planDigest: assignment.plan,
                base: .init(path: around.folder.object(assignment.base.digest), digest: assignment.base.digest),
                candidate: candidate, globalStep: assignment.globalStep, data: data,
                minimumCases: settings.minimumCasesPerClass,
                precision: settings.precision.flatMap { .init(rawValue: $0) },
                threads: settings.threads, trainer: trainer, software: Software.name))
    }

    /// Waits for the worker.
    /// - Returns: nil when the admin refuses meanwhile.
    private func result() async throws -> WorkerResult? {
        var looks = Looks()
        var since = 0
        while true {
            let result = try record.folder.result()
            let progress = record.folder.progress()
            for (index, note) in (progress?.notes ?? []).enumerated() {
                let study = assignment.round.study
                around.narrator.say("\(study): \(note)", on: "data of \(study), \(index)")
            }
            if let result { return result }
            if try record.refusal != nil { return nil }
            if let decision = try record.decision, !decision.approved {
                try refuse(.refused, decision.reason ?? "the site's admin refused it")
                return nil
            }
            if let progress {
                tell(progress.phase, progress.done, progress.total)
                around.narrator.settle(record.id)
            } else {
                tell(.waiting)
                since += 1
                if since == 40 {
                    around.narrator.say(
                        "\(record.id) waits for `agent worker`; start it if it does not run", on: record.id)
                }
            }
            try await looks.pause()
        }
    }

    private func prepare(_ result: WorkerResult) throws {
        guard result.round == assignment.round, result.plan == assignment.plan, result.base == assignment.base.digest
        else { throw EgressStop("the worker's result is of another assignment") }
        switch result.outcome {
        case .refusal(let refusal):
            if let local = refusal.local { around.narrator.say("\(record.id): \(local)", on: record.id) }
            try refuse(refusal.reason, refusal.detail)
        case .update(let made):
            guard assignment.kind != .evaluate else { throw EgressStop("the worker made an update of an evaluation") }
            try prepare(made, result)
        case .evaluation:
            guard assignment.kind == .evaluate,
                let report = result.report(federation: around.record.federation, site: around.record.site)
            else { throw EgressStop("the worker evaluated where it was to train") }
            let signed = try around.gate.sign(report, as: .report, limits: limits, round: assignment.round)
            try record.prepare(.init(report: signed, bytes: signed.text.utf8.count, norms: []))
        }
    }

    var limits: EgressLimits {
        guard assignment.kind == .train else { return .standard }
        return EgressLimits.standard.raised(leastCases: around.configuration.minimumCases)
    }

    /// The assignment's own plan, which an amendment may be about to replace.
    private func plan() throws -> (plan: StudyPlan, document: PlanDocument) {
        guard let found = around.plan(study: assignment.round.study), found.document.digest == assignment.plan else {
            throw AgentError(
                .untrusted, "the plan of \(assignment.round.study) is not at hand; waiting for the coordinator")
        }
        return found
    }

    private func prepare(_ made: WorkerResult.Update, _ result: WorkerResult) throws {
        let plan = try plan().plan
        if assignment.kind == .train, made.samples < around.configuration.minimumCases {
            return try refuse(.cases, "this site has fewer cases than its policy asks for")
        }
        guard made.encoding == plan.encoding else { throw EgressStop("the update is not in the plan's encoding") }
        let base = try SafetensorsFile(around.folder.object(assignment.base.digest))
        let layout = try UpdateLayout(base: base.header, plan: plan)
        try record.takeUpdate()
        let seen = try inspect(made, layout: layout)
        guard seen.bytes == made.bytes,
            let header = result.header(
                federation: around.record.federation, site: around.record.site, update: seen.reference)
        else { throw EgressStop("the update is not the file the worker told of") }
        if let most = plan.maxNorm, seen.norm > most {
            throw EgressStop("the update's norm \(seen.norm) is above the plan's max_norm \(most)")
        }
        let signed = try around.gate.sign(header, as: .updateHeader, limits: limits, round: assignment.round)
        try record.prepare(.init(header: signed, bytes: seen.bytes, norms: seen.norms))
    }

    private func inspect(_ made: WorkerResult.Update, layout: UpdateLayout) throws -> UpdateInspection {
        do { return try UpdateInspection.inspect(record.update, layout: layout, encoding: made.encoding) } catch {
            let digest = SHA256.hex(ofFile: record.update) ?? "unreadable"
            try around.gate.stop(.updateFile, digest, round: assignment.round, reason: "\(error)")
            throw error
        }
    }
}
