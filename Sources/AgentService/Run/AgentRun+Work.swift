import Federation
import Foundation
import Identity
import Synchronization
import Transport

extension AgentRun {
    func take(_ signed: Signed<Assignment>, asked: Timestamp) async throws {
        guard let assignment = try? signed.verified(by: around.identity.coordinatorKey) else {
            return around.narrator.say(
                "WARNING: an assignment is not signed by the coordinator; it is not done", on: "assignment")
        }
        let name = "\(assignment.round.study), round \(assignment.round.round)"
        let plan = around.plan(study: assignment.round.study).map { ($0.plan, $0.document.digest) }
        let memory = around.site.memory
        guard memory.olderHistory == nil || memory.accepts(assignment.round) else {
            return around.narrator.say(
                "\(name) is asked for again by an older history; it waits for `agent approve history`",
                on: "assignment \(name)")
        }
        // What the policy says of the plan may have changed since the site agreed: it expires, or the admin raised a floor.
        if let objection = AssignmentCheck.objection(to: assignment, record: around.record, plan: plan, memory: memory)
            ?? plan.flatMap({ around.policy.objection(to: $0.0, at: around.now()) })
        {
            around.narrator.say("the assignment of \(name) is not done: \(objection)", on: "assignment \(name)")
            return try await turnDown(assignment, objection)
        }
        let record = TaskRecord(state: around.folder, round: assignment.round, kind: assignment.kind)
        if let order = try record.order {
            if let before = try record.assignment, !before.asks(thatOf: assignment) {
                guard order.epoch < memory.epoch else {
                    return around.narrator.say(
                        "WARNING: the assignment of \(name) is not what it was before; it is not done",
                        on: "assignment \(name)")
                }
                end(record.id)
                record.remove()
            } else if try !isAskedAgain(record, asked: asked) {
                return
            }
        }
        if try record.order == nil { try record.begin(.init(assignment: signed, epoch: memory.epoch)) }
        try around.site.remember { $0.took(assignment.round) }
        begin(record, assignment)
    }

    /// Tells the coordinator why an assignment is not taken up.
    private func turnDown(_ assignment: Assignment, _ objection: String) async throws {
        let round = assignment.round
        let id = TaskRecord(state: around.folder, round: round, kind: assignment.kind).id
        // Asked again after it was told, as for a round that was extended, the coordinator is told again.
        let told = turnedDown.withLock { $0[id] }
        guard assignment.federation == around.record.federation, assignment.site == around.record.site,
            told.map({ abs(around.now().seconds(since: $0)) > Self.quiet }) ?? true
        else { return }
        let refusal = Federation.Refusal(
            federation: assignment.federation, site: assignment.site, round: round, kind: assignment.kind,
            reason: .policy, detail: EgressSchema.sentence(objection))
        let signed = try around.gate.sign(refusal, as: .refusal, round: round)
        try around.gate.note(.refusal, signed.text, round: round)
        do throws(TransportError) { try await link.refuse(signed) } catch {
            // The coordinator's own no to it is as good; a cut line is tried again with the next answer.
            if error.isTransient { return }
        }
        turnedDown.withLock { $0[id] = around.now() }
    }

    /// Seconds before work that ended is begun anew, or refused again, though the coordinator asks for it.
    private static let quiet = 10.0
    /// The same for work of which the coordinator took neither the result nor the refusal.
    private static let longQuiet = 600.0

    /// Whether an assignment that is known must be worked on: it is not ended, or the coordinator asked for it again
    /// after it was told of the end.
    private func isAskedAgain(_ record: TaskRecord, asked: Timestamp) throws -> Bool {
        guard let outcome = try record.outcome else { return true }
        // A clock that was set back makes an end lie in the future, which says nothing.
        let now = around.now()
        guard outcome.at < asked || outcome.at > now else { return false }
        let since = abs(now.seconds(since: outcome.at))
        switch outcome.kind {
        case .sent:
            // The coordinator lost it, as after the restoring of a backup.
            if record.hasUpdate { try record.reopen() } else { try record.restart() }
        case .refused, .closed:
            // An extended round asks those again who declined.
            let reason = try record.refusal?.unverified?.reason
            guard since > (outcome.kind == .closed && reason != nil ? Self.longQuiet : Self.quiet) else { return false }
            if reason == .policy || reason == .refused { try record.reopen() } else { try record.restart() }
        }
        return true
    }

    func begin(_ record: TaskRecord, _ assignment: Assignment) {
        works.withLock { works in
            guard works[record.id] == nil else { return }
            let work = Work(record: record, assignment: assignment, around: around, link: link)
            works[record.id] = Task { [weak self] in
                await work.run()
                guard !Task.isCancelled else { return }
                self?.works.withLock { _ = $0.removeValue(forKey: record.id) }
                // The end is told without waiting for the next question.
                self?.hurry()
            }
        }
    }

    private func end(_ id: String) { works.withLock { $0.removeValue(forKey: id) }?.cancel() }

    func note(_ signed: Signed<Verdict>) throws {
        guard let verdict = try? signed.verified(by: around.identity.coordinatorKey), verdict.site == around.record.site
        else { return }
        for kind in [Assignment.Kind.train, .rehearse] {
            let record = TaskRecord(state: around.folder, round: verdict.round, kind: kind)
            guard try record.order != nil, try record.verdict != verdict else { continue }
            try record.note(verdict)
            let factor = verdict.outcome == .clipped ? " by \(verdict.factor)" : ""
            around.narrator.say(
                "\(record.id): \(verdict.outcome.rawValue)\(factor): \(verdict.reason)", on: "verdict \(record.id)")
        }
    }

    /// Ends what the coordinator no longer waits for, and deletes models and updates nobody needs any more.
    func close(notIn answer: PollAnswer) throws {
        let open = Set(
            answer.assignments.compactMap { try? $0.verified(by: around.identity.coordinatorKey) }
                .map { TaskRecord(state: around.folder, round: $0.round, kind: $0.kind).id })
        let records = tidying.withLock { $0.unsettled(open: open) }.filter(isWhole)
        for record in records where !open.contains(record.id) {
            guard try record.outcome == nil else { continue }
            // What is being sent learns its end from the coordinator itself.
            if try record.decision?.approved == true { continue }
            end(record.id)
            around.tell(record.id, nil)
            try record.end(.init(.closed, reason: "the coordinator no longer waits for it", at: around.now()))
        }
        let studies = Set(answer.studies.map(\.name))
        try tidying.withLock { try $0.tidy(records, open: open, studies: studies) }
    }

    /// Whether a record can be read. One that a failing disk damaged is put away: what it was about is asked for again.
    private func isWhole(_ record: TaskRecord) -> Bool {
        do {
            _ = (try record.assignment, try record.outcome, try record.outgoing, try record.decision)
            _ = (try record.refusal, try record.verdict)
            return true
        } catch {
            around.narrator.say("\(error); \(record.id) is removed, and done anew if it is asked for", on: record.id)
            end(record.id)
            record.remove()
            return false
        }
    }

    // MARK: Releases

    func fetchReleases(_ cards: [Signed<ReleaseCard>]) throws {
        for (card, body) in ReleaseShelf(around: around).wanted(cards) {
            let id = "release \(body.name)"
            works.withLock { works in
                guard works[id] == nil else { return }
                let shelf = ReleaseShelf(around: around)
                works[id] = Task { [weak self, link] in
                    await shelf.fetch(card, body, over: link)
                    guard !Task.isCancelled else { return }
                    self?.works.withLock { _ = $0.removeValue(forKey: id) }
                }
            }
        }
    }
}

extension Assignment {
    /// Whether another assignment asks the same.
    fileprivate func asks(thatOf other: Assignment) -> Bool {
        base == other.base && candidate == other.candidate && plan == other.plan && globalStep == other.globalStep
    }
}
