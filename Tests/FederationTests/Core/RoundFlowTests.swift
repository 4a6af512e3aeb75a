import Federation
import Testing

@Suite("Rounds")
struct RoundFlowTests {
    @Test("a round collects, folds, evaluates, commits, and the next begins from its model")
    func whole() throws {
        var f = try Federated()
        #expect(f.state.assignments(for: "site-1").map(\.kind) == [.train])
        for site in ["site-3", "site-1", "site-2"] { try f.send(site) }
        #expect(try f.round.folding == ["site-1", "site-2", "site-3"])
        try f.fold()
        #expect(f.state.assignments(for: "site-2").map(\.kind) == [.evaluate])
        let candidate = try f.round.candidate
        for site in ["site-1", "site-2", "site-3"] { try f.report(site) }
        guard case .judge(let work) = f.state.pendingWork.first else { throw Federated.Missing() }
        #expect(work.reports.map(\.site) == ["site-1", "site-2", "site-3"])
        try f.judge(0.05)
        #expect(try f.study.base == candidate)
        #expect(try f.round.reference == RoundReference(study: "tumour", round: 2, attempt: 1))
        #expect(try f.round.base == candidate)
        #expect(try f.round.globalStep == 10)
        try f.wholeRound()
        try f.wholeRound()
        #expect(try f.study.standing == .finished)
    }

    @Test("a site that claims more steps than the plan asks for does not move the schedule of all")
    func claimedSteps() throws {
        var f = try Federated(plan: ["training: {steps: 10}", "evaluation: off"])
        for site in ["site-1", "site-2"] { try f.send(site) }
        try f.perform(.receive(try f.header("site-3") { $0.steps = 100_000_000 }, from: "site-3", norm: 1))
        try f.fold()
        #expect(try f.round.reference.round == 2)
        #expect(try f.round.globalStep == 10)
    }

    @Test("commands that come again change nothing")
    func idempotent() throws {
        var f = try Federated()
        try f.send("site-1")
        let header = try f.header("site-1")
        #expect(try f.perform(.receive(header, from: "site-1", norm: 1)) == [])
        let receipt = f.state.receipt(for: try f.round.reference, site: "site-1")
        #expect(
            try f.state.admit(header, from: "site-1", signatures: SimulatedSignatures.check)
                == .received(try #require(receipt)))
        #expect(try f.perform(.startStudy(study: "tumour")) == [])
        #expect(try f.perform(.settle) == [])
        try f.send("site-2")
        try f.send("site-3")
        let first = try f.round.reference
        let work = f.state.pendingWork
        try f.fold()
        guard case .fold(let fold) = work.first else { throw Federated.Missing() }
        #expect(try f.perform(.folded(round: fold.round, verdicts: [], candidate: nil)) == [])
        #expect(try f.perform(.judged(round: first, Judgement(change: nil))) == [])
        // After the round the receipt is still the same.
        #expect(f.state.receipt(for: first, site: "site-1") == receipt)
    }

    @Test(
        "a candidate is held only when the whole interval lies below the margin",
        arguments: [
            (-0.05, 0.01, true), (-0.029, 0.01, false), (-0.1, 0.2, false), (0.1, 0.01, false),
        ])
    func gate(change: Double, half: Double, isHeld: Bool) throws {
        var f = try Federated(plan: ["gate: {margin: 0.02}"])
        for index in 1...3 { try f.send("site-\(index)") }
        try f.fold()
        let candidate = try f.round.candidate
        for index in 1...3 { try f.report("site-\(index)") }
        let events = try f.judge(change, half: half)
        #expect(try f.study.base == (isHeld ? Federated.model : candidate))
        #expect(events.contains { if case .candidateHeld = $0 { true } else { false } } == isHeld)
        #expect(try f.round.reference.round == 2)
    }

    @Test("a bad site is an alarm, not a veto")
    func alarm() throws {
        var f = try Federated()
        for index in 1...3 { try f.send("site-\(index)") }
        try f.fold()
        for index in 1...3 { try f.report("site-\(index)") }
        let bad = Judgement.Change(value: -0.2, lower: -0.3, upper: -0.1)
        let judgement = Judgement(
            change: Judgement.Change(value: .nan, lower: 0, upper: 0),
            alarms: [Judgement.Alarm(site: "site-2", change: bad)])
        let events = try f.perform(.judged(round: try f.round.reference, judgement))
        guard case .gateDecided(_, let decision) = events.first else { throw Federated.Missing() }
        #expect(decision.outcome == .commit)
        #expect(decision.reasons.contains { $0.contains("site-2") && $0.contains("0.2") })
        #expect(throws: Never.self) { try MessageCoding.encode(events) }
    }

    @Test("below the quorum the round waits, extends or fails as the plan says")
    func belowQuorum() throws {
        for policy in ["wait", "extend", "fail"] {
            var f = try Federated(plan: ["deadline: 6h", "below_quorum: \(policy)"])
            try f.send("site-1")
            let clock = try #require(f.state.clocks.first)
            #expect(clock.milliseconds == 6 * 3_600_000)
            try f.perform(.deadline(clock))
            #expect(try f.perform(.deadline(clock)) == [])
            switch policy {
            case "wait":
                #expect(f.state.clocks == [])
                try f.send("site-2")
                #expect(try f.round.phase == .folding)
            case "extend":
                #expect(f.state.clocks.map(\.turn) == [1])
                #expect(try f.round.updates.count == 1)
            default:
                #expect(try f.round.reference.attempt == 2)
                #expect(try f.round.updates.isEmpty)
                #expect(f.state.verdicts(for: "site-1").map(\.outcome) == [.rejected])
            }
        }
    }

    @Test("at the deadline enough updates are folded, and late ones refused")
    func deadline() throws {
        var f = try Federated(plan: ["deadline: 90s"])
        try f.send("site-1")
        try f.send("site-2")
        #expect(try f.round.phase == .collecting)
        try f.perform(.deadline(try #require(f.state.clocks.first)))
        #expect(try f.round.folding == ["site-1", "site-2"])
        let late = try f.header("site-3")
        #expect { try f.state.admit(late, from: "site-3", signatures: SimulatedSignatures.check) } throws: {
            ($0 as? Problem)?.code == .late
        }
    }

    @Test("a site that declines does not hold up the others, and the quorum folds without the rest")
    func quorum() throws {
        var f = try Federated()
        try f.send("site-1")
        try f.decline("site-3")
        #expect(f.state.assignments(for: "site-3") == [])
        try f.send("site-2")
        #expect(try f.round.phase == .folding)
        var g = try Federated(sites: 4, plan: ["quorum: 2"])
        try g.send("site-1")
        try g.send("site-4")
        #expect(try g.round.folding == ["site-1", "site-4"])
    }

    @Test("sites join between rounds; a round that cannot reach its minimum takes them in at once")
    func joining() throws {
        var f = try Federated(sites: 2)
        try f.enrol("site-9")
        try f.consent("site-9")
        #expect(f.state.assignments(for: "site-9") == [])
        try f.decline("site-2")
        #expect(f.state.assignments(for: "site-9").map(\.kind) == [.train])
    }

    @Test("too few accepted updates fail the attempt; nothing unsafe is committed")
    func rejected() throws {
        var f = try Federated()
        for index in 1...3 { try f.send("site-\(index)") }
        try f.fold(rejecting: ["site-1", "site-2"])
        #expect(try f.round.reference.attempt == 2)
        #expect(try f.study.base == Federated.model)
        #expect(f.state.verdicts(for: "site-3").map(\.outcome) == [.accepted])
    }

    @Test("what a rejected site trained on has no part in the model, nor in what is told of it")
    func counted() throws {
        var f = try Federated()
        for index in 1...3 { try f.send("site-\(index)") }
        #expect(try f.round.counted.count == 3)
        try f.fold(rejecting: ["site-2"])
        #expect(try f.round.counted.map(\.site) == ["site-1", "site-3"])
    }

    @Test("a fold of other updates than recorded is refused")
    func foreignFold() throws {
        var f = try Federated()
        for index in 1...3 { try f.send("site-\(index)") }
        let verdict = FoldVerdict(
            site: "site-1", update: hexDigest("another"), outcome: .accepted, factor: 1, weight: 1, reason: "")
        let reference = try f.round.reference
        #expect(throws: Problem.self) {
            try f.perform(.folded(round: reference, verdicts: [verdict], candidate: Federated.model))
        }
    }

    @Test("updates are deleted when the plan says, on record, and the sites are told")
    func deletion() throws {
        var f = try Federated(plan: ["keep_updates: 1"])
        try f.wholeRound()
        #expect(!f.state.pendingWork.contains { if case .delete = $0 { true } else { false } })
        try f.wholeRound()
        guard case .delete(let work) = f.state.pendingWork.last else { throw Federated.Missing() }
        #expect(work.round.round == 1)
        #expect(work.objects.count == 3)
        #expect(!work.files.contains(Federated.model.digest))
        try f.perform(.deleted(round: work.round, objects: work.objects))
        #expect(f.state.verdicts(for: "site-1").map(\.outcome) == [.deleted, .accepted])
        #expect(try f.perform(.deleted(round: work.round, objects: work.objects)) == [])
    }

    @Test("models no round, release or study needs are deleted with the updates")
    func models() throws {
        var f = try Federated(plan: ["keep_updates: 0", "rounds: 4"])
        try f.wholeRound()
        let first = try f.study.base
        try f.wholeRound()
        for _ in 0..<2 {
            for case .delete(let work) in f.state.pendingWork {
                try f.perform(.deleted(round: work.round, objects: work.objects))
            }
        }
        #expect(!f.state.refers(to: try #require(first).digest))
        #expect(f.state.refers(to: Federated.model.digest))
    }
}
