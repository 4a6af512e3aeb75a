import Federation
import Foundation
import Identity
import Synchronization
import Transport

/// `agent run`: asks for work, does it, and goes on for ever. What it knows is in files, so that it may end at any
/// instruction and go on where it was.
package final class AgentRun: Sendable {
    /// A poll that is held, and whether something happened that should not wait for its end.
    private struct Poll {
        var task: Task<Result<PollAnswer, TransportError>, Never>?
        var isDue = true
        /// What the last poll said of the site's work; nil before the first.
        var told: [String]?
    }

    /// So that a site is back within a minute of a line that heals.
    static let longestWait = Duration.seconds(30)

    let around: Surroundings
    let link: any CoordinatorLink
    private let configurationPath: String
    private let poll = Mutex(Poll())
    let works = Mutex<[String: Task<Void, Never>]>([:])
    /// When assignments were turned down without being taken up.
    let turnedDown = Mutex<[String: Timestamp]>([:])
    let tidying: Mutex<Tidying>

    package init(around: Surroundings, link: any CoordinatorLink, configurationPath: String) {
        self.around = around
        self.link = link
        self.configurationPath = configurationPath
        tidying = Mutex(Tidying(folder: around.folder))
    }

    /// Runs until its task is cancelled.
    package func run() async {
        resume()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.ask() }
            group.addTask { await self.watchConfiguration() }
            group.addTask { await self.renew() }
        }
        let running = works.withLock { works in
            defer { works = [:] }
            return Array(works.values)
        }
        for work in running { work.cancel() }
        for work in running { await work.value }
    }

    /// Something is to be told at once: a poll that is held ends.
    package func hurry() {
        poll.withLock { poll in
            poll.isDue = true
            poll.task?.cancel()
        }
    }

    /// Takes up what was unfinished when the agent ended.
    private func resume() {
        for record in TaskRecord.all(in: around.folder) where ((try? record.outcome) ?? nil) == nil {
            if let assignment = try? record.assignment { begin(record, assignment) }
        }
    }

    // MARK: Asking

    private func ask() async {
        var waits = Backoff()
        var known: String?
        while !Task.isCancelled {
            let request = question(known)
            let asked = around.now()
            guard let result = await answer(to: request) else { continue }
            switch result {
            case .success(let answer):
                waits.reset()
                around.narrator.say("connected to \(address)", on: "connection")
                await take(answer, asked: asked)
                known = answer.token
            case .failure(let error):
                if error.code == .cancelled { continue }
                around.narrator.say("\(error.description); trying again", on: "connection")
                known = nil
                let wait = min(waits.next(retryAfter: error.retryAfter), Self.longestWait)
                do { try await Task.sleep(for: wait) } catch { return }
            }
        }
    }

    private var address: String { around.configuration.coordinator ?? around.record.address }

    private func question(_ known: String?) -> PollRequest {
        let activities = around.activities
        // While work goes on, the coordinator is told every few seconds how far it is.
        let wait = poll.withLock { $0.isDue } ? 0 : activities.isEmpty ? 50 : 3
        return PollRequest(
            software: Software.name, head: around.site.memory.head, known: known, wait: wait, activities: activities)
    }

    /// - Returns: nil when something came up before it could be asked.
    private func answer(to request: PollRequest) async -> Result<PollAnswer, TransportError>? {
        do { try note(request) } catch {
            around.narrator.say("no poll is sent: \(error)", on: "connection")
            try? await Task.sleep(for: .seconds(5))
            return nil
        }
        let task = Task { [link] in
            do throws(TransportError) {
                return Result<PollAnswer, TransportError>.success(try await link.poll(request))
            } catch {
                return .failure(error)
            }
        }
        poll.withLock { poll in
            poll.task = task
            // What came up since the question was made is told with the next one, which does not wait.
            if request.wait > 0, poll.isDue { task.cancel() } else { poll.isDue = false }
        }
        return await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
    }

    /// Checks a poll, and writes it down when it says more than how far the same work has come.
    private func note(_ request: PollRequest) throws {
        let text = try MessageCoding.encode(request)
        try around.gate.check(text, as: .poll)
        let matter = request.activities.map { "\($0.round) \($0.phase)" }
        let isNew = poll.withLock { poll in
            defer { poll.told = matter }
            return poll.told != matter
        }
        if isNew { try around.gate.note(.poll, text) }
    }

    // MARK: Taking an answer

    private func take(_ answer: PollAnswer, asked: Timestamp) async {
        do {
            if let warning = try around.site.remember({ $0.saw(answer.head, knowsOld: answer.knowsHead) }) {
                around.narrator.say("WARNING: \(warning)", on: "history")
            }
            if around.site.lastAnswer?.token != answer.token { try around.site.keep(answer) }
            warnOfClock(answer)
            try StudyReview(around: around).review(answer.studies)
            for signed in answer.assignments {
                // One folder that is damaged, or a full disk, must not keep the others from their work.
                do { try await take(signed, asked: asked) } catch { around.narrator.say("\(error)", on: "answer") }
            }
            for signed in answer.verdicts {
                do { try note(signed) } catch { around.narrator.say("\(error)", on: "answer") }
            }
            try close(notIn: answer)
            try fetchReleases(answer.releases)
            try await deliverConsents(answer.studies)
            around.narrator.settle("answer")
        } catch is CancellationError {
            return
        } catch {
            around.narrator.say("\(error)", on: "answer")
            try? await Task.sleep(for: .seconds(1))
        }
    }

    private func warnOfClock(_ answer: PollAnswer) {
        let ahead = around.now().seconds(since: answer.now)
        guard abs(ahead) > 300 else { return around.narrator.settle("clock") }
        let minutes = Int(abs(ahead) / 60)
        around.narrator.say(
            "this machine's clock is \(minutes) minutes \(ahead > 0 ? "ahead of" : "behind") the coordinator's; set it",
            on: "clock")
    }

    private func deliverConsents(_ offers: [StudyOffer]) async throws {
        for offer in offers {
            guard let consent = StudyReview(around: around).undelivered(offer) else { continue }
            let signed = try around.gate.sign(consent, as: .consent)
            try around.gate.note(.consent, signed.text, study: consent.study)
            do throws(TransportError) { try await link.consent(signed, study: consent.study) } catch {
                around.narrator.say("the answer to \(offer.name) is not delivered: \(error.description)", on: "consent")
                continue
            }
            try around.site.remember { $0.studies[consent.study]?.delivered = true }
            around.narrator.say(
                consent.agrees
                    ? "\(offer.name): this site takes part"
                    : "\(offer.name): this site does not take part: \(consent.reason ?? "")",
                on: "consent \(offer.name)")
        }
    }

    // MARK: Configuration and certificate

    private func watchConfiguration() async {
        var seen = stamp()
        while (try? await Task.sleep(for: .milliseconds(500))) != nil {
            let now = stamp()
            guard now != seen else { continue }
            seen = now
            do {
                let read = try AgentConfiguration.read(configurationPath)
                guard read != around.configuration else { continue }
                around.configuration = read
                link.limit(up: read.bandwidth.up ?? 0, down: read.bandwidth.down ?? 0)
                around.narrator.say("\(configurationPath) is read again", on: "configuration \(now)")
                around.narrator.settle("configuration")
                hurry()
            } catch {
                around.narrator.say("\(error); the settings from before stay in force", on: "configuration")
            }
        }
    }

    private func stamp() -> String {
        let facts = try? FileManager.default.attributesOfItem(atPath: configurationPath)
        return "\(facts?[.modificationDate] as? Date ?? .distantPast) \(facts?[.size] as? Int ?? 0)"
    }

    private func renew() async {
        let renewal = Renewal(folder: around.folder)
        var waits = Backoff()
        while !Task.isCancelled {
            do {
                let certificate = try renewal.current()
                let due = Renewal.due(
                    from: certificate.notBefore.addingTimeInterval(Authority.head), until: certificate.notAfter,
                    draw: Double.random(in: 0...1))
                while around.now().date < due { try await Task.sleep(for: .milliseconds(500)) }
                try await renewal.renew(over: link, root: around.identity.root, gate: around.gate)
                waits.reset()
                around.narrator.say(
                    "the certificate is renewed until \(try renewal.current().notAfter.formatted(.iso8601))",
                    on: "certificate")
            } catch is CancellationError {
                return
            } catch {
                around.narrator.say("the certificate is not renewed: \(error); trying again", on: "certificate")
                do { try await Task.sleep(for: waits.next()) } catch { return }
            }
        }
    }
}
