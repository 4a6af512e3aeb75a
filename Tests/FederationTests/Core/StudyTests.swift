import Federation
import Testing

@Suite("Studies and sites")
struct StudyTests {
    @Test("without consent a site is asked for nothing and reads nothing")
    func consent() throws {
        var f = try Federated()
        try f.enrol("site-9")
        #expect(f.state.offers(for: "site-9").map(\.standing) == [.invited])
        #expect(!f.state.mayRead(site: "site-9", digest: Federated.model.digest))
        #expect(f.state.mayRead(site: "site-1", digest: Federated.model.digest))
        #expect(f.state.assignments(for: "site-9") == [])
        let foreign = try f.header("site-9")
        #expect { try f.state.admit(foreign, from: "site-9", signatures: SimulatedSignatures.check) } throws: {
            ($0 as? Problem)?.code == .notAssigned
        }
    }

    @Test("a site that is left out is not invited, and may have no part in the weights a study begins with")
    func leftOut() throws {
        var f = try Federated(sites: 2, plan: ["leave_out: [site-3]"])
        try f.enrol("site-3")
        #expect(try f.round.sites == ["site-1", "site-2"])
        #expect(f.state.offers(for: "site-3") == [] && f.state.offers(for: "site-2").count == 1)
        try f.wholeRound()
        let first = try #require(try f.study.rounds.first?.candidate?.digest)
        func next(_ name: String, without site: String, from digest: String) throws {
            try f.perform(
                .createStudy(
                    text: Federated.plan(
                        ["name: \(name)", "initial: {weights: \(digest)}", "leave_out: [\(site)]"])))
        }
        try next("home", without: "site-3", from: first)
        #expect { try next("away", without: "site-2", from: first) } throws: {
            ($0 as? Problem)?.message.contains("leaves out site-2") == true
        }
    }

    @Test("a revoked site is out at once, and what it sent is not folded")
    func revoked() throws {
        var f = try Federated(plan: ["minimum_sites: 2"])
        try f.send("site-1")
        try f.send("site-2")
        let key = hexDigest("tls site-1")
        #expect(f.state.site(publicKey: key) == "site-1")
        try f.perform(.revokeSite(site: "site-1", reason: "lost laptop"))
        #expect(f.state.site(publicKey: key) == nil)
        #expect(f.state.assignments(for: "site-1") == [] && f.state.offers(for: "site-1") == [])
        #expect { try f.send("site-1") } throws: { ($0 as? Problem)?.code == .forbidden }
        try f.send("site-3")
        #expect(try f.round.folding == ["site-2", "site-3"])
        try f.perform(.revokeSite(site: "site-2", reason: "as well"))
        #expect(try f.round.failure != nil)
        #expect(try f.study.standing == .running)
        // What was sent is deleted, withdrawn updates too.
        guard case .delete(let work) = f.state.pendingWork.last else { throw Federated.Missing() }
        #expect(work.objects.count == 3)
    }

    @Test("a revoked key is never let in again, a fresh one is")
    func revokedKey() throws {
        var f = try Federated()
        try f.perform(.renewKey(site: "site-1", publicKey: hexDigest("tls site-1 renewed")))
        try f.perform(.revokeSite(site: "site-1", reason: "lost laptop"))
        try f.perform(.issueCode(site: "site-1", expires: f.now))
        for old in ["tls site-1", "tls site-1 renewed"] {
            #expect {
                try f.perform(
                    .requestEnrolment(
                        site: "site-1", publicKey: hexDigest(old), signingKey: hexDigest("key site-1")))
            } throws: {
                ($0 as? Problem)?.code == .forbidden
            }
        }
        let fresh = hexDigest("tls site-1 fresh")
        try f.perform(.requestEnrolment(site: "site-1", publicKey: fresh, signingKey: hexDigest("key site-1")))
        try f.perform(.approveSite(site: "site-1", publicKey: fresh))
        #expect(f.state.site(publicKey: fresh) == "site-1")
    }

    @Test("an amendment needs everybody's consent again")
    func amendment() throws {
        var f = try Federated()
        try f.send("site-1")
        let text = Federated.plan(["rounds: 5"])
        try f.perform(.amendStudy(study: "tumour", text: text, reason: "more rounds"))
        #expect(try f.study.openRound == nil)
        #expect(f.state.offers(for: "site-1").map(\.standing) == [.invited])
        try f.consent("site-1")
        #expect(try f.study.openRound == nil)
        try f.consent("site-2")
        #expect(try f.round.reference.attempt == 2)
        #expect(try f.round.sites == ["site-1", "site-2"])
        for line in ["head: lamim", "head: peak", "recipe: {size: 64}", "recipe: standardised"] {
            #expect(throws: Problem.self) {
                try f.perform(.amendStudy(study: "tumour", text: Federated.plan([line]), reason: ""))
            }
        }
        // The decoder of masked pretraining is a part of the model.
        func pretraining(_ objective: String, _ rounds: Int) -> String {
            "name: pre\ntask: pretraining\nobjective: \(objective)\ninitial: {preset: small}\nrounds: \(rounds)\n"
                + "governance: {purpose: a test, data_declared: synthetic}\n"
        }
        try f.perform(.createStudy(text: pretraining("blocks16", 3)))
        #expect(throws: Problem.self) {
            try f.perform(.amendStudy(study: "pre", text: pretraining("masked", 3), reason: ""))
        }
        try f.perform(.amendStudy(study: "pre", text: pretraining("blocks16", 5), reason: ""))
    }

    @Test("a paused study keeps what comes and does nothing until it is resumed")
    func paused() throws {
        var f = try Federated(plan: ["deadline: 1h"])
        try f.perform(.pauseStudy(study: "tumour", reason: "audit"))
        for index in 1...3 { try f.send("site-\(index)") }
        #expect(try f.round.phase == .collecting)
        #expect(f.state.clocks == [] && f.state.pendingWork == [])
        try f.perform(.resumeStudy(study: "tumour"))
        #expect(try f.round.phase == .folding)
    }

    @Test("an aborted study takes nothing more and keeps no update")
    func aborted() throws {
        var f = try Federated()
        try f.send("site-1")
        try f.perform(.abortStudy(study: "tumour", reason: "withdrawn"))
        #expect(f.state.offers(for: "site-1") == [])
        let header = try f.header("site-2")
        #expect { try f.state.admit(header, from: "site-2", signatures: SimulatedSignatures.check) } throws: {
            ($0 as? Problem)?.code == .late
        }
        #expect(f.state.pendingWork.count == 1)
    }

    @Test("an expired plan opens no round, and a purge gives up the last updates")
    func expiry() throws {
        let governance = "governance: {purpose: a test, data_declared: synthetic, expiry: 2027-01-20}"
        var f = try Federated(plan: [governance, "rounds: 2"])
        try f.wholeRound()
        f.now = f.now.advanced(seconds: 30 * 86400)
        try f.wholeRound()
        #expect(try f.study.standing == .finished)
        var g = try Federated(plan: [governance])
        g.now = g.now.advanced(seconds: 30 * 86400)
        try g.wholeRound()
        #expect(try g.study.openRound == nil)
        try f.perform(.purgeStudy(study: "tumour", reason: "retention"))
        #expect(f.state.pendingWork.count == 2)
    }

    @Test("an evaluation study asks for reports and changes no model")
    func evaluation() throws {
        var f = try Federated(plan: ["kind: evaluation", "rounds: 1"])
        #expect(f.state.assignments(for: "site-1").map(\.kind) == [.evaluate])
        #expect(f.state.assignments(for: "site-1").first?.candidate == nil)
        for index in 1...3 { try f.report("site-\(index)") }
        try f.perform(.judged(round: try f.round.reference, Judgement(change: nil)))
        #expect(try f.study.standing == .finished)
        #expect(try f.study.base == Federated.model)
    }

    @Test("a rehearsal folds and leaves the model as it is")
    func rehearsal() throws {
        var f = try Federated(plan: ["kind: rehearsal", "rounds: 1"])
        #expect(f.state.assignments(for: "site-1").map(\.kind) == [.rehearse])
        for index in 1...3 { try f.send("site-\(index)") }
        try f.fold()
        #expect(try f.study.standing == .finished)
        #expect(try f.study.base == Federated.model)
    }

    @Test("a key is renewed without cutting the old one at once; both belong to one site")
    func renewal() throws {
        var f = try Federated()
        let keys = (1...3).map { hexDigest("fresh \($0)") }
        for key in keys { try f.perform(.renewKey(site: "site-1", publicKey: key)) }
        #expect(f.state.site(publicKey: hexDigest("tls site-1")) == nil)
        #expect(keys.map { f.state.site(publicKey: $0) } == [nil, "site-1", "site-1"])
        #expect(throws: Problem.self) { try f.perform(.renewKey(site: "site-2", publicKey: keys[2])) }
        try f.perform(.revokeSite(site: "site-1", reason: "gone"))
        #expect(throws: Problem.self) { try f.perform(.renewKey(site: "site-1", publicKey: hexDigest("late"))) }
    }

    @Test("enrolment needs an outstanding code and the key that was approved")
    func enrolment() throws {
        var f = try Federated()
        let key = hexDigest("tls new")
        #expect(throws: Problem.self) {
            try f.perform(.requestEnrolment(site: "site-1", publicKey: key, signingKey: hexDigest("other")))
        }
        try f.perform(.issueCode(site: "new", expires: f.now))
        #expect(throws: Problem.self) {
            try f.perform(.requestEnrolment(site: "new", publicKey: key, signingKey: hexDigest("key site-1")))
        }
        try f.perform(.requestEnrolment(site: "new", publicKey: key, signingKey: hexDigest("other")))
        #expect(throws: Problem.self) { try f.perform(.approveSite(site: "new", publicKey: hexDigest("mitm"))) }
        try f.perform(.approveSite(site: "new", publicKey: key))
        #expect(f.state.site(publicKey: key) == "new")
        #expect(try f.perform(.approveSite(site: "new", publicKey: key)) == [])
    }

    @Test("a release pins a committed model, is told of when promoted, and read while it is in force")
    func release() throws {
        var f = try Federated(plan: ["keep_updates: 0"])
        try f.wholeRound()
        let first = try #require(try f.study.rounds.first)
        let model = try #require(first.candidate)
        func card(_ standing: ReleaseCard.Standing, _ model: ObjectReference) throws -> Signed<ReleaseCard> {
            let body = ReleaseCard(
                federation: "north", name: "r1", standing: standing, model: model, round: first.reference,
                task: "tumour", classes: ["no", "yes"], recipe: "consilium", plan: first.plan,
                transcript: Transcript.beginning, sites: [], figures: [], lineage: "", limits: [], notice: "",
                created: f.now)
            return Signed(
                text: try MessageCoding.encode(body),
                signature: SimulatedSignatures.signature(ReleaseCard.domain, Federated.key), signer: Federated.key)
        }
        #expect(throws: Problem.self) {
            try f.perform(.createRelease(study: "tumour", card: try card(.candidate, Federated.model)))
        }
        try f.perform(.createRelease(study: "tumour", card: try card(.candidate, model)))
        #expect(f.state.releases(for: "site-1") == [])
        try f.perform(.promoteRelease(card: try card(.promoted, model)))
        #expect(f.state.releases(for: "site-1").count == 1)
        try f.wholeRound()
        try f.wholeRound()
        #expect(f.state.mayRead(site: "site-1", digest: model.digest))
        #expect(f.state.refers(to: model.digest))
        try f.perform(.holdRelease(card: try card(.held, model), reason: "a defect"))
        #expect(!f.state.mayRead(site: "site-1", digest: model.digest))
        #expect(f.state.releases(for: "site-1").count == 1)
    }

    @Test("each opening of the locked test is counted")
    func lockedTest() throws {
        var f = try Federated()
        for _ in 0..<2 {
            try f.perform(.openLockedTest(study: "tumour", model: Federated.model.digest, purpose: "final table"))
        }
        #expect(f.state.status(of: "tumour")?.lockedTestOpenings == 2)
        // A set of the coordinator's is the same set whichever study opens it.
        f = try Federated(plan: ["evaluation: {coordinator: own}"])
        let other = Federated.plan(["name: second", "evaluation: {coordinator: own}"])
        try f.perform(.createStudy(text: other))
        try f.perform(.openLockedTest(study: "tumour", model: Federated.model.digest, purpose: "final table"))
        #expect(f.state.status(of: "second")?.lockedTestOpenings == 1)
        let third = Federated.plan(["name: third", "evaluation: {coordinator: another}"])
        try f.perform(.createStudy(text: third))
        #expect(f.state.status(of: "third")?.lockedTestOpenings == 0)
    }

    @Test("a contrast that hardly any site's cases have is told, one that some site has is not")
    func lacking() throws {
        var f = try Federated()
        func lacking() -> [String]? { f.state.status(of: "tumour")?.lacking }
        for (site, lacks) in [("site-1", ["T2w", "FLAIR"]), ("site-2", ["FLAIR"]), ("site-3", ["T1c"])] {
            #expect(lacking() == [])
            try f.perform(.receive(f.header(site) { $0.lacking = lacks }, from: site, norm: 1))
        }
        #expect(lacking() == [])
        // An update that is not counted says nothing of what the model learnt from.
        try f.fold(rejecting: ["site-3"])
        #expect(lacking() == ["FLAIR"])
    }

    @Test("the status says in words what a study waits for")
    func status() throws {
        var f = try Federated()
        try f.send("site-2")
        let status = try #require(f.state.status(of: "tumour"))
        #expect(status.waitsFor == "updates from site-1, site-3")
        #expect(status.sites.map(\.progress) == ["awaited", "received", "awaited"])
        let text = try MessageCoding.encode(status)
        #expect(try MessageCoding.decode(StudyStatus.self, from: text) == status)
    }
}
