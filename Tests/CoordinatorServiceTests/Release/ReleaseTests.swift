import CoordinatorService
import Cryptography
import Federation
import Foundation
import Identity
import Testing
import Transport

@Suite struct ReleaseTests {
    @Test("a committed round is replayed, pinned, promoted, fetched by a site, held and exported")
    func release() async throws {
        let federation = try TestFederation()
        let coordinator = try await federation.open()
        let desk = OperatorDesk(
            coordinator: coordinator, authority: federation.authority,
            configuration: CoordinatorConfiguration(
                name: "test", address: .init(host: "127.0.0.1", port: 1), enrolmentPort: 2))
        let sites = [
            try await federation.site("hospital-a", with: coordinator),
            try await federation.site("hospital-b", with: coordinator),
        ]
        let text = TestFederation.plan().replacingOccurrences(of: "keep_updates: 0", with: "keep_updates: 2")
        let created = try await CreateStudy(plan: text, file: "plan.yaml", weights: nil).carryOut(at: desk)
        #expect(created.status.name == "glioma" && created.status.standing == .draft)
        await #expect(throws: OperatorError("glioma has no committed round yet; release one when it has")) {
            try await CreateRelease(release: "one", study: "glioma", round: nil).carryOut(at: desk)
        }
        try await federation.serving(coordinator) { port in
            for site in sites { try await site.consent(site.client(port)) }
            try await eventually("the initial model is made") { coordinator.state.studies["glioma"]?.base != nil }
            _ = try await SteerStudy(study: "glioma", action: .start).carryOut(at: desk)
            for (index, site) in sites.enumerated() {
                let client = site.client(port)
                let update = try site.update(try await site.assignment(client), seed: index) { $0.lacking = ["T2w"] }
                _ = try await site.submit(update, client)
            }
            try await eventually("the study is finished") {
                coordinator.state.studies["glioma"]?.standing == .finished
            }
            let replayed = try await ReplayRound(study: "glioma", round: 1).carryOut(at: desk)
            #expect(replayed.agrees && replayed.updates == 2)

            let opened = try await OpenLockedTest(study: "glioma", model: nil, purpose: "final").carryOut(at: desk)
            #expect(opened.status.lockedTestOpenings == 1)
            let signed = try await CreateRelease(release: "one", study: "glioma", round: 1).carryOut(at: desk)
            let card = try signed.verified(by: federation.signingKey.publicKey)
            let model = try #require(coordinator.state.studies["glioma"]?.base)
            #expect(card.model == model && card.standing == .candidate)
            #expect(card.sites.map(\.name) == ["hospital-a", "hospital-b"])
            #expect(card.sites.map(\.samples) == [10, 11] && card.sites.map(\.rounds) == [1, 1])
            #expect(card.limits.contains("cross-site patient overlap not checked"))
            #expect(card.limits.contains { $0.contains("locked test opened 1") })
            #expect(card.limits.contains("no site had 10 training cases with T2w: the model learnt little of that"))
            #expect(card.notice.hasPrefix("Investigational output."))
            #expect(card.lineage.contains("preset small") && card.recipe.contains("size=48"))
            #expect(try await coordinator.store.knows(card.transcript))

            let client = sites[0].client(port)
            #expect(try await sites[0].poll(client).releases.isEmpty)
            _ = try await JudgeRelease(release: "one", standing: .promoted).carryOut(at: desk)
            let told = try #require(try await sites[0].poll(client).releases.first)
            #expect(try told.verified(by: federation.signingKey.publicKey).standing == .promoted)
            let bytes = try await client.send("GET", "/v1/objects/\(model.digest)", limit: model.bytes).body
            #expect(bytes.withUnsafeBytes { SHA256.hex(of: $0) } == model.digest)
            _ = try await JudgeRelease(release: "one", standing: .held).carryOut(at: desk)
        }
        await #expect(throws: OperatorError("there is a release one already; give another name")) {
            try await CreateRelease(release: "one", study: "glioma", round: 1).carryOut(at: desk)
        }
        await #expect(throws: OperatorError.self) {
            try await CreateRelease(release: "two", study: "glioma", round: 2).carryOut(at: desk)
        }
        await #expect(throws: OperatorError.self) {
            try await JudgeRelease(release: "two", standing: .promoted).carryOut(at: desk)
        }
        let folder = federation.scratch + "/exported"
        let exported = try await ExportModel(subject: .release("one"), folder: folder).carryOut(at: desk)
        #expect(exported.files.count == 2)
        #expect(SHA256.hex(ofFile: folder + "/model.safetensors") == exported.model)
        await #expect(throws: OperatorError.self) {
            try await ExportModel(subject: .study("glioma"), folder: folder).carryOut(at: desk)
        }
        #expect(try await ListReleases().carryOut(at: desk).count == 1)
    }

    @Test("a round whose updates are no longer kept says so instead of being replayed")
    func gone() async throws {
        let federation = try TestFederation()
        let coordinator = try await federation.open()
        let desk = OperatorDesk(
            coordinator: coordinator, authority: federation.authority,
            configuration: CoordinatorConfiguration(
                name: "test", address: .init(host: "127.0.0.1", port: 1), enrolmentPort: 2))
        await #expect(throws: OperatorError("there is no study glioma; coordinator study status lists them")) {
            try await ReplayRound(study: "glioma", round: 1).carryOut(at: desk)
        }
        _ = try await CreateStudy(plan: TestFederation.plan(), file: "plan.yaml", weights: nil).carryOut(at: desk)
        await #expect(throws: OperatorError.self) {
            try await ReplayRound(study: "glioma", round: 1).carryOut(at: desk)
        }
    }

    @Test("a plan's mistake is told with the file, the line and the nearest name")
    func plan() async throws {
        let federation = try TestFederation()
        let desk = OperatorDesk(
            coordinator: try await federation.open(), authority: federation.authority,
            configuration: CoordinatorConfiguration(
                name: "test", address: .init(host: "127.0.0.1", port: 1), enrolmentPort: 2))
        let text = TestFederation.plan().replacingOccurrences(of: "task:", with: "taks:")
        let error = await #expect(throws: OperatorError.self) {
            _ = try await CreateStudy(plan: text, file: "plan.yaml", weights: nil).carryOut(at: desk)
        }
        #expect(error?.description.hasPrefix("plan.yaml, line 2") == true, "\(String(describing: error))")
        #expect(error?.description.contains("task") == true)
        // A set that is not there would be missed after the first round was trained.
        let unknown = TestFederation.plan(evaluation: "{sites: true, coordinator: public-set}")
        let missed = await #expect(throws: OperatorError.self) {
            _ = try await CreateStudy(plan: unknown, file: "plan.yaml", weights: nil).carryOut(at: desk)
        }
        #expect(missed?.description.contains("public-set") == true, "\(String(describing: missed))")
    }
}
