import Federation

/// How a simulated history begins, and how it is judged.
extension SimulatedWorld {
    mutating func found() throws {
        let count = 2 + random.below(3)
        try command(
            .createFederation(
                name: "simulated", coordinatorKey: SimulatedCoordinator.key, rootKey: SimulatedCoordinator.key))
        for index in 0..<count { try add(site: index) }
        studies = random.chance(0.2) ? ["one", "two"] : ["one"]
        for study in studies {
            try command(.createStudy(text: plan(study, sites: count)))
            try command(.startStudy(study: study))
        }
        if !settings.quiet {
            coordinator.fragility = 0.01 + Double(random.below(3)) * 0.01
            coordinator.fullness = Double(random.below(4)) * 0.02
        }
        schedule(50, .clocks)
        schedule(settings.quiet ? 0 : Self.faultyTime, .calm)
        schedule(700, .operate)
        try look()
    }

    mutating func add(site index: Int) throws {
        let site = SimulatedSite(name: "site-\(10 + index)")
        let publicKey = hexDigest("tls \(site.name)")
        try command(.issueCode(site: site.name, expires: Timestamp(milliseconds: 1)))
        try command(.requestEnrolment(site: site.name, publicKey: publicKey, signingKey: site.key))
        try command(.approveSite(site: site.name, publicKey: publicKey))
        sites.append(site)
        cutUntil.append(0)
        schedule(Int64(random.below(200)), .site(index))
    }

    mutating func plan(_ name: String, sites: Int) -> String {
        var lines = [
            "name: \(name)", "task: tumour", "classes: [no, yes]", "initial: {preset: small, seed: 1}",
            "rounds: \(1 + random.below(3))", "minimum_sites: \(settings.onlyAccidents ? sites : min(2, sites))",
            "keep_updates: \(random.below(3))", "governance: {purpose: simulation, data_declared: synthetic}",
        ]
        if random.chance(0.3) { lines.append("evaluation: off") }
        if !settings.onlyAccidents {
            if random.chance(0.6) {
                lines.append("deadline: \(1 + random.below(3))s")
                lines.append("below_quorum: \(["wait", "extend", "fail"][random.below(3)])")
            }
            if random.chance(0.3) { lines.append("quorum: \(2 + random.below(2))") }
            if random.chance(0.2) { lines.append("weighting: uniform") }
            if random.chance(0.1) { lines.append("kind: rehearsal") }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    mutating func judge() throws -> [String] {
        let state = coordinator.state
        try invariants.judge(sites.flatMap(\.receipts), objects: coordinator.store.objects, state: state)
        // I6: the rows as text, chained, verified and read again, tell the same state.
        var head = Transcript.beginning
        var rows: [TranscriptRow] = []
        for row in coordinator.store.rows {
            rows.append(try TranscriptRow(after: head, time: row.time, event: row.event))
            head = rows[rows.count - 1].head
        }
        guard try Transcript.verify(rows) == head else { throw Invariants.Violation("I6: the chain does not verify") }
        guard try FederationState(replaying: rows) == state else {
            throw Invariants.Violation("I6: the transcript tells another state than the one in force")
        }
        note(head.hash)
        return studies.map { state.studies[$0]?.base?.digest ?? "none" }
    }
}
