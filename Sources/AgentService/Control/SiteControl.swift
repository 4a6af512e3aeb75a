import Federation
import Foundation
import Identity

/// Carries out `agent status`, `approve` and `refuse`, in the agent that runs or, where none does, under its lock.
package struct SiteControl: Sendable {
    let site: Site
    let configuration: AgentConfiguration
    /// Only in the agent that runs.
    let around: Surroundings?

    package init(site: Site, configuration: AgentConfiguration, around: Surroundings? = nil) {
        self.site = site
        self.configuration = configuration
        self.around = around
    }

    /// Asks the agent that runs, or does it here when none does.
    /// - Throws: one sentence on what is wrong.
    package static func perform(
        _ request: ControlRequest, folder: StateFolder, configuration path: String
    ) throws -> ControlAnswer {
        guard FileManager.default.fileExists(atPath: folder.path) else {
            throw AgentError(.state, "there is no state folder \(folder.path); name it with --state")
        }
        // An agent that is just starting or ending holds the lock without a socket.
        for _ in 0..<100 {
            if let answer = try ControlClient.ask(request, at: folder.control) { return try checked(answer) }
            if let lock = try FolderLock.take(folder.lock) {
                let control = SiteControl(site: try Site(folder), configuration: try AgentConfiguration.read(path))
                defer { withExtendedLifetime(lock) {} }
                return try checked(control.answer(request))
            }
            usleep(50_000)
        }
        throw AgentError(.state, "an agent holds \(folder.path) and does not answer; look at its log, or restart it")
    }

    private static func checked(_ answer: ControlAnswer) throws -> ControlAnswer {
        if let error = answer.error { throw AgentError(.usage, error) }
        return answer
    }

    package func answer(_ request: ControlRequest) -> ControlAnswer {
        do {
            switch request.command {
            case .status: return ControlAnswer(status: try status())
            case .approve: return ControlAnswer(done: try site.approve(request.id ?? ""))
            case .refuse: return ControlAnswer(done: try site.refuse(request.id ?? "", reason: request.reason ?? ""))
            }
        } catch { return ControlAnswer(error: "\(error)") }
    }

    // MARK: Status

    private func status() throws -> SiteStatus {
        let record = try JSONFile.read(FederationRecord.self, from: site.folder.federation)
        let records = TaskRecord.all(in: site.folder)
        let last = site.lastAnswer
        let certificate = try? Renewal(folder: site.folder).current()
        return SiteStatus(
            site: record?.site ?? "not enrolled", federation: record?.federation ?? "",
            coordinator: configuration.coordinator ?? record?.address ?? "", running: around != nil,
            connection: around.map { $0.narrator.line(on: "connection") ?? "connecting" } ?? "the agent does not run",
            certificateUntil: certificate.map { Timestamp($0.notAfter) }, warnings: warnings,
            waiting: waiting(records, last), studies: studies(last), work: records.map(work),
            releases: Releases.names(in: site.folder))
    }

    private var warnings: [String] {
        let matters = ["clock", "configuration", "certificate", "answer", "assignment"]
        return [site.memory.olderHistory].compactMap(\.self) + matters.compactMap { around?.narrator.line(on: $0) }
    }

    private func studies(_ last: PollAnswer?) -> [SiteStatus.Study] {
        (last?.studies ?? []).map { offer in
            let known = site.memory.studies[offer.name]
            let standing = known?.waiting != nil ? "waits for you" : offer.standing.rawValue
            let reason = known?.agrees == false ? known?.reason.map { " (\($0))" } ?? "" : ""
            return .init(name: offer.name, standing: standing + reason, state: offer.state, round: offer.round)
        }
    }

    private func waiting(_ records: [TaskRecord], _ last: PollAnswer?) -> [SiteStatus.Waiting] {
        var waiting: [SiteStatus.Waiting] = []
        if let warning = site.memory.olderHistory {
            waiting.append(.init(id: "history", kind: .history, what: warning))
        }
        for offer in last?.studies ?? [] {
            if let plan = site.memory.studies[offer.name]?.waiting { waiting.append(consent(offer, plan: plan)) }
        }
        for record in records {
            guard let outgoing = record.waiting else { continue }
            let what = outgoing.header == nil ? "a report of an evaluation" : "an update of the model"
            waiting.append(
                .init(
                    id: record.id, kind: outgoing.header == nil ? .evaluation : .update, what: what,
                    bytes: outgoing.bytes, fields: EgressLog.fields(of: outgoing.text), norms: outgoing.norms))
        }
        for card in (last?.releases ?? []).compactMap(\.unverified) where isWaiting(card) {
            waiting.append(
                .init(
                    id: Site.release(card.name, model: card.model.digest), kind: .release,
                    what: "a released model of \(card.model.bytes) bytes (\(card.standing.rawValue)), to be fetched",
                    fields: ["task": card.task, "lineage": card.lineage, "limits": card.limits.joined(separator: "; ")])
            )
        }
        return waiting
    }

    private func consent(_ offer: StudyOffer, plan digest: String) -> SiteStatus.Waiting {
        var fields = ["plan": digest]
        if let document = offer.plan.unverified, document.digest == digest,
            let plan = try? StudyPlan.parse(document.text)
        {
            fields["kind"] = plan.kind.rawValue
            fields["task"] = plan.task
            fields["purpose"] = plan.governance.purpose
            fields["controllers"] = plan.governance.controllers.joined(separator: ", ")
            fields["expiry"] = plan.governance.expiry ?? "none"
            fields["retention"] = plan.governance.retention
            fields["approvals"] = plan.governance.approvals.sorted { $0.key < $1.key }
                .map { "\($0.key): \($0.value)" }.joined(separator: "; ")
            fields["release rights"] = plan.governance.releaseRights
            fields["data"] = plan.governance.data.rawValue
            fields["open mode agreed"] = plan.governance.openModeAgreed ? "yes" : "no"
            fields["rounds"] = String(plan.rounds)
            fields["minimum sites"] = String(plan.minimumSites)
            fields["version"] = String(document.version)
        }
        return .init(
            id: Site.consent(offer.name, plan: digest), kind: .consent, what: "taking part in the study \(offer.name)",
            fields: fields)
    }

    private func isWaiting(_ card: ReleaseCard) -> Bool {
        let isWanted =
            switch configuration.releases {
            case .none: false
            case .promoted: card.standing == .promoted
            case .all: card.standing != .held
            }
        return isWanted && configuration.approve.release == .manual && site.memory.releases[card.name] == nil
            && !Releases.names(in: site.folder).contains(card.name)
    }

    private func work(_ record: TaskRecord) -> SiteStatus.Work {
        do { return .init(id: record.id, state: try state(of: record)) } catch {
            return .init(id: record.id, state: "\(error)")
        }
    }

    private func state(of record: TaskRecord) throws -> String {
        if let outcome = try record.outcome {
            let verdict = try record.verdict.map { "; \($0.outcome.rawValue): \($0.reason)" } ?? ""
            return outcome.kind.rawValue + (outcome.reason.map { ": \($0)" } ?? "") + verdict
        }
        if try record.refusal != nil { return "refusing" }
        if try record.decision?.approved == true { return progress(record, "sending") }
        if try record.outgoing != nil { return "waits for you" }
        if record.folder.isFinished { return "being checked" }
        return progress(record, "waits for the worker")
    }

    private func progress(_ record: TaskRecord, _ otherwise: String) -> String {
        guard let activity = around?.activity(record.id) else { return otherwise }
        let share = activity.total > 0 ? " \(activity.done) of \(activity.total)" : ""
        // What it said last, such as why a transfer stands still.
        let said = around?.narrator.line(on: record.id).map { "; \($0)" } ?? ""
        let worker = record.folder.progress()
        let loss = activity.phase == .training ? worker?.loss.map { ", \($0)" } ?? "" : ""
        let notes = (worker?.notes ?? []).map { "; \($0)" }.joined()
        return activity.phase.rawValue + share + loss + said + notes
    }
}
