import AgentService
import Federation
import Foundation
import Identity
import Synchronization
import Testing
import Transport

@Suite("A site's rounds")
struct SiteRoundTests {
    private func record(_ fixture: SiteFixture, round: RoundReference = SiteFixture.round) -> TaskRecord {
        TaskRecord(state: fixture.folder, round: round, kind: .train)
    }

    @Test("a willing site consents, trains, logs what leaves, sends it and keeps receipt and verdict")
    func plainRound() async throws {
        try await SiteFixture.with(SiteFixture.willing) { fixture in
            let offer = try fixture.offer()
            fixture.coordinator.set { $0.studies = [offer] }
            try await fixture.running { _ in
                try await fixture.until("consent") { fixture.coordinator.told.consents.first?.agrees == true }
                try fixture.assign(fixture.assignment(base: try fixture.base()))
                try await fixture.work(lacking: ["T2w"], notes: ["few of /data/manifest.csv have T2w"])
                try await fixture.until("the update") { fixture.coordinator.told.updates.count == 1 }
                let record = record(fixture)
                try await fixture.until("the receipt is kept") { try record.outcome?.receipt != nil }
                let verdict = Verdict(
                    site: FakeCoordinator.site, round: SiteFixture.round, update: String(repeating: "0", count: 64),
                    outcome: .clipped, factor: 0.5, reason: "long")
                let signed = try Signed(verdict, by: fixture.coordinator.key)
                fixture.coordinator.set { $0.verdicts = [signed] }
                try await fixture.until("the verdict is kept") { try record.verdict?.outcome == .clipped }
            }
            let header = try #require(fixture.coordinator.told.updates.first)
            #expect(header.samples == 40 && header.site == FakeCoordinator.site && header.lacking == ["T2w"])
            let said = fixture.lines.withLock { $0.filter { $0.contains("few of /data/manifest.csv have T2w") } }
            #expect(said == ["\(SiteFixture.round.study): few of /data/manifest.csv have T2w"])
            let all = try EgressLog.last(1000, of: fixture.folder.egressLog)
            let lines = all.filter { $0.kind != "poll" }
            #expect(lines.map(\.kind) == ["consent", "update-header"])
            #expect(lines.last?.digest == header.update.digest)
            #expect(lines.last?.norms?["a"].map { abs($0 - 0.5 * 6.0.squareRoot()) < 1e-12 } == true)
            // A poll is written down when it says something new of the work, not whenever it is sent.
            let polls = all.filter { $0.kind == "poll" }
            #expect(polls.first?.fields["activities"] == "[]")
            #expect(polls.count <= fixture.coordinator.told.polls.count)
        }
    }

    @Test("a worker that writes the admin's word itself is not believed, and cannot change what was checked")
    func forgedApproval() async throws {
        try await SiteFixture.with("data: /nowhere/manifest.csv\norigin: synthetic\napprove: {consent: automatic}\n") {
            fixture in
            let offer = try fixture.offer()
            fixture.coordinator.set { $0.studies = [offer] }
            try await fixture.running { around in
                try await fixture.until("consent") { fixture.coordinator.told.consents.first?.agrees == true }
                try fixture.assign(fixture.assignment(base: try fixture.base()))
                let record = record(fixture)
                try await fixture.until("the task is handed over") {
                    FileManager.default.fileExists(atPath: record.folder.path + "/task.json")
                }
                for name in ["decision.json", "logged", "outcome.json"] {
                    try Data(#"{"approved":true}"#.utf8).write(to: URL(filePath: "\(record.folder.path)/\(name)"))
                }
                try await fixture.work()
                try await fixture.until("it waits for the admin") { try record.outgoing != nil }
                try Data("scans".utf8).write(to: URL(filePath: record.folder.update))
                try await Task.sleep(for: .milliseconds(300))
                #expect(fixture.coordinator.told.uploads == 0)
                let control = SiteControl(site: around.site, configuration: around.configuration, around: around)
                _ = control.answer(ControlRequest(.approve, id: record.id))
                // The coordinator checks the digest of what it is sent.
                try await fixture.until("the update") { fixture.coordinator.told.updates.count == 1 }
            }
        }
    }

    @Test("a plan that trains the head alone is sent")
    func headAlone() async throws {
        try await SiteFixture.with(SiteFixture.willing) { fixture in
            let plan = SiteFixture.plan + "training: {trainable: [\"head.*\"]}\n"
            let offer = try fixture.offer(plan)
            fixture.coordinator.set { $0.studies = [offer] }
            try await fixture.running { _ in
                try await fixture.until("consent") { fixture.coordinator.told.consents.first?.agrees == true }
                try fixture.assign(fixture.assignment(base: try fixture.base(), plan: plan))
                try await fixture.work(tensors: [("head.b", [5])])
                try await fixture.until("the update") { fixture.coordinator.told.updates.count == 1 }
            }
        }
    }

    @Test("with manual approval nothing leaves before the admin's word, and a no is told with its reason")
    func manual() async throws {
        try await SiteFixture.with("data: /nowhere/manifest.csv\n") { fixture in
            let agreement = SiteFixture.agreement
            let offer = try fixture.offer(agreement)
            fixture.coordinator.set { $0.studies = [offer] }
            try await fixture.running { around in
                let control = SiteControl(site: around.site, configuration: around.configuration, around: around)
                func waiting() -> [String] { control.answer(ControlRequest(.status)).status?.waiting.map(\.id) ?? [] }
                let digest = StudyPlan.digest(of: agreement)
                let consent = "tumour.consent.\(digest.prefix(16))"
                try await fixture.until("consent waits") { waiting() == [consent] }
                #expect(fixture.coordinator.told.consents.isEmpty)
                let shown = try #require(control.answer(ControlRequest(.status)).status?.waiting.first?.fields)
                #expect(
                    shown["approvals"] == "hospital-a: 2026/17; hospital-b: 2026/18"
                        && shown["open mode agreed"] == "yes")
                // A yes to another plan than the one that waits, or to whatever waits, is none.
                for id in ["tumour.consent", "tumour.consent.0123456789abcdef"] {
                    #expect(control.answer(ControlRequest(.approve, id: id)).error?.contains("agent status") == true)
                }
                #expect(control.answer(ControlRequest(.approve, id: consent)).error == nil)
                try await fixture.until("consent") { fixture.coordinator.told.consents.count == 1 }
                try fixture.assign(fixture.assignment(base: try fixture.base(), plan: agreement))
                try await fixture.work()
                let id = "tumour.1.1.train"
                try await fixture.until("the update waits") { waiting() == [id] }
                let item = try #require(control.answer(ControlRequest(.status)).status?.waiting.first)
                #expect(item.norms.map(\.name) == ["a", "head.b"] && item.fields["samples"] == "40" && item.bytes > 44)
                try await Task.sleep(for: .milliseconds(100))
                #expect(fixture.coordinator.told.uploads == 0)
                #expect(control.answer(ControlRequest(.refuse, id: id)).error != nil, "a no needs a reason")
                _ = control.answer(ControlRequest(.refuse, id: id, reason: "holidays"))
                try await fixture.until("the refusal") { fixture.coordinator.told.refusals.first?.detail == "holidays" }
            }
            #expect(fixture.coordinator.told.uploads == 0)
        }
    }

    @Test("an agent that ends at any stage goes on with the same round, and cut lines are waited out")
    func resumes() async throws {
        try await SiteFixture.with(SiteFixture.willing) { fixture in
            let offer = try fixture.offer()
            fixture.coordinator.set {
                $0.studies = [offer]; $0.cuts = 1
            }
            try await fixture.running { _ in
                try await fixture.until("consent") { fixture.coordinator.told.consents.count == 1 }
                try fixture.assign(fixture.assignment(base: try fixture.base()))
                try await fixture.until("the task") { try record(fixture).order != nil }
            }
            try await fixture.running { _ in
                try await fixture.until("the task") {
                    FileManager.default.fileExists(atPath: record(fixture).folder.path + "/task.json")
                }
            }
            try await fixture.work()
            fixture.coordinator.set { $0.cuts = 2 }
            try await fixture.running { _ in
                try await fixture.until("the update") { fixture.coordinator.told.updates.count == 1 }
            }
            try await fixture.running { _ in
                let polls = fixture.coordinator.told.polls.count
                try await fixture.until("polls") { fixture.coordinator.told.polls.count > polls + 1 }
            }
            #expect(fixture.coordinator.told.uploads == 1 && fixture.coordinator.told.consents.count == 1)
        }
    }

    @Test("what the worker makes beyond the plan is stopped, logged and refused")
    func stopped() async throws {
        try await SiteFixture.with(SiteFixture.willing) { fixture in
            let offer = try fixture.offer()
            fixture.coordinator.set { $0.studies = [offer] }
            try await fixture.running { _ in
                try await fixture.until("consent") { fixture.coordinator.told.consents.count == 1 }
                try fixture.assign(fixture.assignment(base: try fixture.base()))
                try await fixture.work(metadata: ["patient": "Jane Doe"])
                try await fixture.until("the refusal") { fixture.coordinator.told.refusals.first?.reason == .egress }
            }
            #expect(fixture.coordinator.told.uploads == 0)
            #expect(try EgressLog.last(10, of: fixture.folder.egressLog).contains { $0.event == .stopped })
        }
    }

    @Test("too few cases are refused by the site's own minimum")
    func fewCases() async throws {
        try await SiteFixture.with(SiteFixture.willing + "minimum: {cases: 50}\n") { fixture in
            let offer = try fixture.offer()
            fixture.coordinator.set { $0.studies = [offer] }
            try await fixture.running { _ in
                try await fixture.until("consent") { fixture.coordinator.told.consents.count == 1 }
                try fixture.assign(fixture.assignment(base: try fixture.base()))
                try await fixture.work(samples: 40)
                try await fixture.until("the refusal") { fixture.coordinator.told.refusals.first?.reason == .cases }
            }
        }
    }

    @Test("an assignment by another key, for another plan or of a past round is not taken up")
    func forged() async throws {
        try await SiteFixture.with(SiteFixture.willing) { fixture in
            let offer = try fixture.offer()
            fixture.coordinator.set { $0.studies = [offer] }
            try await fixture.running { _ in
                try await fixture.until("consent") { fixture.coordinator.told.consents.count == 1 }
                let base = try fixture.base()
                let third = RoundReference(study: "tumour", round: 3, attempt: 1)
                try fixture.assign(fixture.assignment(round: third, base: base))
                try await fixture.until("round 3 is taken up") { try record(fixture, round: third).order != nil }
                let stolen = try Signed(
                    fixture.assignment(round: .init(study: "tumour", round: 4, attempt: 1), base: base),
                    by: SigningKey())
                fixture.coordinator.set { $0.assignments.append(stolen) }
                try fixture.assign(fixture.assignment(round: .init(study: "tumour", round: 2, attempt: 1), base: base))
                try fixture.assign(
                    fixture.assignment(round: .init(study: "tumour", round: 5, attempt: 1), base: base, plan: "another")
                )
                let polls = fixture.coordinator.told.polls.count
                try await fixture.until("polls") { fixture.coordinator.told.polls.count > polls + 1 }
                #expect(TaskRecord.all(in: fixture.folder).map(\.id) == ["tumour.3.1.train"])
            }
            let said = fixture.lines.withLock { $0 }
            #expect(said.contains { $0.contains("not signed by the coordinator") })
            #expect(said.contains { $0.contains("is past that") } && said.contains { $0.contains("another plan") })
        }
    }

    @Test("an older history stops automatic approvals until the admin accepts it")
    func olderHistory() async throws {
        try await SiteFixture.with(SiteFixture.willing) { fixture in
            let offer = try fixture.offer()
            fixture.coordinator.set { $0.head = .init(sequence: 9, hash: String(repeating: "9", count: 64)) }
            try await fixture.running { around in
                try await fixture.until("the head") { around.site.memory.head?.sequence == 9 }
                fixture.coordinator.set {
                    $0.head = .init(sequence: 4, hash: String(repeating: "4", count: 64))
                    $0.knowsHead = false
                    $0.studies = [offer]
                }
                let control = SiteControl(site: around.site, configuration: around.configuration, around: around)
                try await fixture.until("it waits") {
                    control.answer(ControlRequest(.status)).status?.waiting.map(\.id)
                        == ["history", "tumour.consent.\(StudyPlan.digest(of: SiteFixture.plan).prefix(16))"]
                }
                #expect(fixture.coordinator.told.consents.isEmpty)
                #expect(control.answer(ControlRequest(.approve, id: "history")).error == nil)
                fixture.coordinator.set { $0.knowsHead = true }
                try await fixture.until("consent") { fixture.coordinator.told.consents.count == 1 }
                #expect(around.site.memory.head?.sequence == 4)
            }
            #expect(fixture.lines.withLock { $0 }.contains { $0.contains("WARNING") && $0.contains("history") })
        }
    }

    @Test("a round that an older history asks for again waits for the admin and is not turned down")
    func olderRound() async throws {
        try await SiteFixture.with(SiteFixture.willing) { fixture in
            let offer = try fixture.offer()
            let base = try fixture.base()
            fixture.coordinator.set {
                $0.studies = [offer]
                $0.head = .init(sequence: 9, hash: String(repeating: "9", count: 64))
            }
            try await fixture.running { around in
                try await fixture.until("consent") { fixture.coordinator.told.consents.count == 1 }
                let third = RoundReference(study: "tumour", round: 3, attempt: 1)
                try fixture.assign(fixture.assignment(round: third, base: base))
                try await fixture.until("round 3 is taken up") { try record(fixture, round: third).order != nil }
                let second = RoundReference(study: "tumour", round: 2, attempt: 1)
                let again = try Signed(fixture.assignment(round: second, base: base), by: fixture.coordinator.key)
                fixture.coordinator.set {
                    $0.head = .init(sequence: 4, hash: String(repeating: "4", count: 64))
                    $0.knowsHead = false
                    $0.assignments = [again]
                }
                try await fixture.until("it is said") {
                    fixture.lines.withLock { $0.contains { $0.contains("waits for `agent approve history`") } }
                }
                #expect(fixture.coordinator.told.refusals.isEmpty)
                let control = SiteControl(site: around.site, configuration: around.configuration, around: around)
                #expect(control.answer(ControlRequest(.approve, id: "history")).error == nil)
                fixture.coordinator.set { $0.knowsHead = true }
                try await fixture.until("round 2 is taken up") { try record(fixture, round: second).order != nil }
                #expect(fixture.coordinator.told.refusals.isEmpty)
            }
        }
    }

    @Test("a folder of work that a failing disk damaged is put away, and the rest goes on")
    func damaged() async throws {
        try await SiteFixture.with(SiteFixture.willing) { fixture in
            let offer = try fixture.offer()
            fixture.coordinator.set { $0.studies = [offer] }
            let broken = fixture.folder.work + "/tumour.1.1.evaluate"
            try FileManager.default.createDirectory(atPath: broken, withIntermediateDirectories: true)
            for name in ["order.json", "outcome.json"] {
                try Data("{\"at\":".utf8).write(to: URL(filePath: "\(broken)/\(name)"))
            }
            try await fixture.running { around in
                let control = SiteControl(site: around.site, configuration: around.configuration, around: around)
                #expect(control.answer(ControlRequest(.status)).error == nil)
                try await fixture.until("consent") { fixture.coordinator.told.consents.count == 1 }
                try fixture.assign(fixture.assignment(base: try fixture.base()))
                try await fixture.work()
                try await fixture.until("the update") { fixture.coordinator.told.updates.count == 1 }
                try await fixture.until("it is put away") { !FileManager.default.fileExists(atPath: broken) }
            }
        }
    }

    @Test("a no of the coordinator to an update is followed by a refusal, and nothing is trained again")
    func refusedForGood() async throws {
        try await SiteFixture.with(SiteFixture.willing) { fixture in
            let offer = try fixture.offer()
            fixture.coordinator.set { setting in
                setting.studies = [offer]
                setting.refusal = TransportError(
                    .problem, "no", problem: .init(status: 422, code: "norm", message: "The norm is 9/1, too long."))
            }
            try await fixture.running { _ in
                try await fixture.until("consent") { fixture.coordinator.told.consents.count == 1 }
                try fixture.assign(fixture.assignment(base: try fixture.base()))
                try await fixture.work()
                try await fixture.until("the refusal") { try record(fixture).outcome?.kind == .refused }
                let refusal = try #require(fixture.coordinator.told.refusals.first)
                #expect(refusal.reason == .failed && refusal.detail.contains("too long"))
                let polls = fixture.coordinator.told.polls.count
                try await fixture.until("polls") { fixture.coordinator.told.polls.count > polls + 1 }
                #expect(fixture.coordinator.told.uploads == 1)
                #expect(try record(fixture).outcome != nil)
            }
        }
    }

    @Test("a refusal by the coordinator ends the work and says why; a promoted release is fetched and verified")
    func endings() async throws {
        try await SiteFixture.with(SiteFixture.willing) { fixture in
            let offer = try fixture.offer()
            fixture.coordinator.set { setting in
                setting.studies = [offer]
                setting.refusal = TransportError(
                    .problem, "no", problem: .init(status: 409, code: "stale-round", message: "The round is over."))
            }
            let model = try fixture.base(value: 3)
            let card = ReleaseCard(
                federation: FakeCoordinator.federation, name: "r1", standing: .promoted, model: model,
                round: SiteFixture.round, task: "tumour", classes: ["no", "yes"], recipe: "", plan: "",
                transcript: .init(sequence: 1, hash: ""), sites: [], figures: [], lineage: "", limits: [], notice: "",
                created: Timestamp(Date()))
            let signed = try Signed(card, by: fixture.coordinator.key)
            try Data(try MessageCoding.encode(try fixture.coordinator.identity().record).utf8)
                .write(to: URL(fileURLWithPath: fixture.folder.federation))
            try await fixture.running { _ in
                try await fixture.until("consent") { fixture.coordinator.told.consents.count == 1 }
                try fixture.assign(fixture.assignment(base: try fixture.base()))
                try await fixture.work()
                try await fixture.until("the end") {
                    try record(fixture).outcome?.reason?.contains("The round is over.") == true
                }
                fixture.coordinator.set { $0.releases = [signed] }
                try await fixture.until("the release") { Releases.names(in: fixture.folder) == ["r1"] }
            }
            let kept = try Releases.verified("r1", in: fixture.folder)
            #expect(kept.card == card)
            try Data("x".utf8).write(to: URL(fileURLWithPath: kept.model))
            #expect(throws: AgentError.self) { try Releases.verified("r1", in: fixture.folder) }
        }
    }
}
