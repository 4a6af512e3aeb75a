import Federation

/// A coordinator, sites and the network between them, under one seed: drops, copies, delays, partitions, crashes of
/// either side, full disks, operators who revoke and pause. Nothing in it depends on anything but the seed.
struct SimulatedWorld {
    struct Settings {
        var seed: UInt64
        var fault = PlantedFault.none
        /// Without operators' acts, refusals and deadlines, nothing may change what comes out.
        var onlyAccidents = false
        /// Without accidents either.
        var quiet = false
    }

    enum Happening {
        case site(Int)
        case request(Int, SimulatedSite.Request)
        case answer(Int, SimulatedSite.Answer)
        case work(Work, life: Int)
        case clocks
        case restart
        case operate
        case calm
    }

    struct Entry {
        var time: Int64
        var order: Int
        var happening: Happening
    }

    static let faultyTime: Int64 = 7000
    static let mostHappenings = 20_000

    let settings: Settings
    var random: SeededGenerator
    var coordinator = SimulatedCoordinator()
    var sites: [SimulatedSite] = []
    var cutUntil: [Int64] = []
    var invariants = Invariants()
    var queue: [Entry] = []
    var order = 0
    var time: Int64 = 0
    var life = 0
    var isCalm = false
    var studies: [String] = []
    /// Everything that happened, as one number: equal for equal seeds.
    var trace: UInt64 = 0xcbf2_9ce4_8422_2325

    init(_ settings: Settings) {
        self.settings = settings
        random = SeededGenerator(seed: settings.seed)
        coordinator.fault = settings.fault
    }

    /// Lives until every study is over.
    /// - Returns: the models in force at the end.
    mutating func run() throws -> [String] {
        try found()
        var happenings = 0
        while let entry = next() {
            happenings += 1
            guard happenings < Self.mostHappenings else {
                throw Invariants.Violation("I8: not over after \(happenings) happenings: \(standing)")
            }
            time = entry.time
            coordinator.now = Timestamp(milliseconds: time)
            try happen(entry.happening)
            if isCalm, isOver { break }
        }
        return try judge()
    }

    /// Every event that became durable.
    var history: [Event] { coordinator.store.rows.map(\.event) }

    var standing: String {
        studies.compactMap { coordinator.state.status(of: $0) }.map {
            "\($0.name) is \($0.standing.rawValue), round \($0.round) of \($0.rounds), waits for \($0.waitsFor)"
        }.joined(separator: "; ")
    }

    var isOver: Bool {
        coordinator.isUp && coordinator.state.pendingWork.isEmpty
            && studies.allSatisfy { coordinator.state.studies[$0]?.standing.isOver ?? false }
    }

    // MARK: What happens

    mutating func schedule(_ delay: Int64, _ happening: Happening) {
        order += 1
        let entry = Entry(time: time + delay, order: order, happening: happening)
        // Latest first, so that the next is taken from the end.
        var low = 0
        var high = queue.count
        while low < high {
            let middle = (low + high) / 2
            if (queue[middle].time, queue[middle].order) > (entry.time, entry.order) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        queue.insert(entry, at: low)
    }

    mutating func next() -> Entry? { queue.popLast() }

    mutating func note(_ text: String) {
        for byte in text.utf8 { trace = (trace ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }

    mutating func happen(_ happening: Happening) throws {
        switch happening {
        case .site(let index): siteActs(index)
        case .request(let index, let request):
            guard coordinator.isUp else { return }
            let name = sites[index].name
            if let answer = try withCoordinator({ coordinator, random throws(SimulatedCoordinator.Crash) in
                try coordinator.answer(request, from: name, &random)
            }) {
                deliver(index, .answer(index, answer))
            }
            try look()
        case .answer(let index, let answer): sites[index].take(answer)
        case .work(let work, let life):
            guard coordinator.isUp, life == self.life else { return }
            _ = try withCoordinator { coordinator, random throws(SimulatedCoordinator.Crash) in
                try coordinator.finish(work, &random)
            }
            try look()
        case .clocks:
            try runClocks()
            schedule(200, .clocks)
        case .restart:
            do {
                try coordinator.restart()
            } catch { throw Invariants.Violation("I6: the durable rows are no history: \(error)") }
            _ = try withCoordinator { coordinator, random throws(SimulatedCoordinator.Crash) in
                _ = try coordinator.perform(.settle, &random)
            }
            if settings.fault != .forgetsWork { try look() }
        case .operate:
            try operate()
            schedule(600 + Int64(random.below(900)), .operate)
        case .calm:
            isCalm = true
            coordinator.fragility = 0
            coordinator.fullness = 0
            for index in cutUntil.indices { cutUntil[index] = 0 }
        }
    }

    mutating func siteActs(_ index: Int) {
        schedule(60 + Int64(random.below(120)), .site(index))
        if !settings.quiet, !isCalm, random.chance(0.02) {
            sites[index].crash()
            note("site \(index) crashes")
            return
        }
        let request = sites[index].act(&random, refuses: !settings.onlyAccidents && !isCalm)
        for (round, digest) in sites[index].made {
            invariants.made[Invariants.key(round, sites[index].name)] = digest
        }
        sites[index].made = [:]
        deliver(index, .request(index, request))
    }

    /// The network: loses, copies, delays, and so changes the order.
    mutating func deliver(_ index: Int, _ happening: Happening) {
        let isFaulty = !settings.quiet && !isCalm
        if isFaulty, random.chance(0.005) { cutUntil[index] = time + 200 + Int64(random.below(2500)) }
        guard cutUntil[index] <= time, !(isFaulty && random.chance(0.05)) else { return }
        schedule(1 + Int64(random.below(isFaulty ? 120 : 10)), happening)
        if isFaulty, random.chance(0.05) { schedule(1 + Int64(random.below(1500)), happening) }
    }

    mutating func runClocks() throws {
        guard coordinator.isUp else { return }
        var remaining: [RoundClock: Int64] = [:]
        for clock in coordinator.state.clocks {
            let left = (coordinator.store.clocks[clock] ?? clock.milliseconds) - 200
            remaining[clock] = left
            guard left <= 0 else { continue }
            try command(.deadline(clock))
            guard coordinator.isUp else { return }
        }
        coordinator.store.clocks = remaining
        try look()
    }

    mutating func operate() throws {
        guard coordinator.isUp else { return }
        let name = studies[random.below(studies.count)]
        if isCalm {
            for name in studies {
                if coordinator.state.studies[name]?.standing == .paused { try command(.resumeStudy(study: name)) }
                if let round = coordinator.state.studies[name]?.openRound, !round.declined.isEmpty {
                    try command(.restartRound(study: name, reason: "sites declined"))
                }
            }
            try look()
            return
        }
        guard !settings.onlyAccidents else { return }
        switch random.below(12) {
        case 0: try command(.pauseStudy(study: name, reason: "simulated"))
        case 1: try command(.resumeStudy(study: name))
        case 2: try command(.restartRound(study: name, reason: "simulated"))
        case 3: try command(.closeRound(study: name))
        case 4 where sites.count < 6: try add(site: sites.count)
        case 5:
            let active = coordinator.state.sites.values.filter { $0.standing == .active }.map(\.name).sorted()
            if active.count > 2 {
                try command(.revokeSite(site: active[random.below(active.count)], reason: "simulated"))
            }
        case 6 where random.chance(0.2): try command(.abortStudy(study: name, reason: "simulated"))
        default: break
        }
        try look()
    }

    // MARK: The coordinator

    mutating func command(_ command: Command) throws {
        guard coordinator.isUp else { return }
        _ = try withCoordinator { coordinator, random throws(SimulatedCoordinator.Crash) in
            _ = try coordinator.perform(command, &random)
        }
    }

    mutating func withCoordinator<R>(
        _ body: (inout SimulatedCoordinator, inout SeededGenerator) throws(SimulatedCoordinator.Crash) -> R
    ) throws -> R? {
        var result: R?
        do throws(SimulatedCoordinator.Crash) {
            result = try body(&coordinator, &random)
        } catch {
            note("the coordinator crashes")
            coordinator.crash()
            life += 1
            schedule(100 + Int64(random.below(900)), .restart)
        }
        for row in coordinator.fresh {
            note("\(time)")
            try invariants.observe(row.event)
        }
        coordinator.fresh = []
        return result
    }

    /// Begins what is to be done.
    mutating func look() throws {
        guard coordinator.isUp, !(settings.fault == .forgetsWork && life > 0) else { return }
        for work in coordinator.begin() { schedule(5 + Int64(random.below(150)), .work(work, life: life)) }
    }
}
