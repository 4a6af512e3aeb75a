import Federation
import Foundation
import Transport

extension Work {
    /// Waits for the word on what would leave.
    func isApproved() async throws -> Bool {
        var looks = Looks()
        while true {
            if let decision = try record.decision {
                if decision.approved { return true }
                try refuse(.refused, decision.reason ?? "the site's admin refused it")
                return false
            }
            if around.isAutomatic(around.policy.approval(of: assignment.kind)) {
                try record.decide(.init(approved: true, reason: "policy"))
                return true
            }
            around.tell(record.id, Activity(round: assignment.round, phase: .approval, done: 0, total: 0))
            around.narrator.say(
                "\(record.id) waits for you: look at `agent status`, then `agent approve \(record.id)` or refuse it",
                on: record.id)
            try await looks.pause()
        }
    }

    func send(_ outgoing: TaskRecord.Outgoing) async throws {
        if let header = outgoing.header?.unverified, let signed = outgoing.header {
            if !record.isLogged {
                try around.gate.note(
                    .updateHeader, signed.text, round: assignment.round, update: (header.update, outgoing.norms))
                try record.noteLogged()
            }
            try await upload(signed, header)
        } else if let report = outgoing.report {
            if !record.isLogged {
                try around.gate.note(.report, report.text, round: assignment.round)
                try record.noteLogged()
            }
            tell(.sending, 0, outgoing.bytes)
            try await offer { () async throws(TransportError) in try await link.report(report) }
            if try record.outcome == nil {
                try record.end(.init(.sent, at: around.now()))
                around.narrator.say("\(record.id): the report is sent", on: record.id)
            }
        }
    }

    private func upload(_ signed: Signed<UpdateHeader>, _ header: UpdateHeader) async throws {
        try around.gate.check(
            MessageCoding.encode(UploadRequest(header: signed)), as: .upload, limits: limits, round: assignment.round)
        tell(.sending, 0, header.update.bytes)
        try await around.withinHours(record.id) {
            try await offer { () async throws(TransportError) in
                let status = try await link.upload(record.update, header: signed) { done in
                    tell(.sending, done, header.update.bytes)
                } trouble: { error in
                    around.narrator.say("\(record.id): \(error.description); trying again", on: record.id)
                }
                try keep(status.receipt, for: header)
            }
        }
    }

    private func keep(_ receipt: Signed<Receipt>?, for header: UpdateHeader) throws(TransportError) {
        guard let receipt, let said = try? receipt.verified(by: around.identity.coordinatorKey),
            said.update == header.update, said.round == header.round, said.site == around.record.site
        else {
            throw TransportError(.cut, "the coordinator gave no valid receipt; asking again")
        }
        do {
            try record.end(.init(.sent, receipt: receipt, at: around.now()))
        } catch { throw TransportError(.fileUnusable, "\(error)") }
        around.narrator.say(
            "\(record.id): the update is durable at the coordinator (\(header.update.bytes) bytes)", on: record.id)
    }

    /// Sends what was made. A no that is for good is answered by a refusal: the same work would end the same way, and
    /// the round need not wait for it.
    private func offer(_ send: () async throws(TransportError) -> Void) async throws {
        do { try await send() } catch {
            guard let problem = error.final else { throw error }
            around.narrator.say("\(record.id): the coordinator did not take it: \(problem.message)", on: record.id)
            try refuse(.failed, "the coordinator did not take what was made: \(problem.message)")
            try await deliverRefusal()
        }
    }

    // MARK: Refusing

    /// Writes down that this site says no; it is delivered next.
    func refuse(_ reason: Federation.Refusal.Reason, _ detail: String) throws {
        let refusal = Federation.Refusal(
            federation: around.record.federation, site: around.record.site, round: assignment.round,
            kind: assignment.kind, reason: reason, detail: EgressSchema.sentence(detail))
        try record.refuse(try around.gate.sign(refusal, as: .refusal, round: assignment.round))
    }

    func giveUp(_ reason: Federation.Refusal.Reason, _ detail: String, because local: String) async {
        around.narrator.say("\(record.id) is not sent: \(local)", on: record.id)
        do { try refuse(reason, detail) } catch {
            around.narrator.say("\(record.id): \(error)", on: record.id)
            try? await Task.sleep(for: .seconds(5))
        }
    }

    func deliverRefusal() async throws {
        guard let refusal = try record.refusal, let said = refusal.unverified else { return }
        try around.gate.note(.refusal, refusal.text, round: assignment.round)
        do throws(TransportError) { try await link.refuse(refusal) } catch {
            guard let problem = error.final else { throw error }
            // The round is over, most likely.
            try record.end(.init(.closed, reason: problem.message, at: around.now()))
            return around.narrator.say("\(record.id): closed: \(problem.message)", on: record.id)
        }
        try record.end(.init(.refused, reason: said.detail, at: around.now()))
        around.narrator.say("\(record.id): refused (\(said.reason.rawValue)): \(said.detail)", on: record.id)
    }
}

extension TransportError {
    /// The coordinator's no, where asking again would not change it.
    fileprivate var final: ServerProblem? { code == .problem && !isTransient ? problem : nil }
}

/// How often a folder is looked at: at once while things move, seldom when they take long.
struct Looks {
    private var count = 0

    mutating func pause() async throws {
        count += 1
        try await Task.sleep(for: .milliseconds(count < 500 ? 10 : count < 1000 ? 50 : 250))
    }
}

extension Surroundings {
    /// Does a transfer in the hours the site allows: it waits for them, and is cut when they end, to go on when they
    /// come again.
    func withinHours(_ matter: String, _ transfer: @escaping @Sendable () async throws -> Void) async throws {
        while true {
            while !configuration.hours.contains(now().date) {
                narrator.say("\(matter) waits for the hours \(configuration.hours.description)", on: matter)
                try await Task.sleep(for: .seconds(1))
            }
            let isDone = try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    try await transfer()
                    return true
                }
                group.addTask {
                    while self.configuration.hours.contains(self.now().date) { try await Task.sleep(for: .seconds(1)) }
                    return false
                }
                defer { group.cancelAll() }
                return try await group.next() ?? false
            }
            if isDone { return }
        }
    }
}
