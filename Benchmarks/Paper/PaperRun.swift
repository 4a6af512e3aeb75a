import Cohort
import Encoder
import Foundation
import LocalFederation
import Reporting
import Statistics
import Synchronization

/// Whether SIGINT or SIGTERM has come.
private let isAskedToStop = Atomic(false)

/// `bench paper DIR`: carries out the protocol, arm by arm, through real programs; begun again it goes on.
struct PaperRun {
    let folder: String
    let planned: PaperProtocol
    private let data: PaperData
    private let federation: LocalFederation
    private let scorer: PaperScorer

    /// What came of one training.
    struct Result: Codable {
        var run: PaperRunName
        var model: String
        /// Of the trainings among which a rate was chosen.
        var select: PaperScores?
        /// Of all but those of a rate that was not chosen.
        var test: PaperScores?
        /// The training cohort's own test cases, of all sites: where a site also trains alone.
        var own: PaperScores?
        /// Optimiser steps, of all sites together.
        var steps: Int
        var seconds: Double

        /// The one with the best area on the select cases, of equals the one with the lower rate.
        static func best(_ trials: [Result]) -> Result? {
            func rank(_ trial: Result) -> (Double, Double) {
                (trial.select?.withinSites?.area ?? 0, -trial.run.rate)
            }
            return trials.max { rank($0) < rank($1) }
        }
    }

    struct Pretrained: Codable {
        var model: String
        var seconds: Double
    }

    init(folder: String, planned: PaperProtocol = PaperProtocol()) throws {
        self.folder = folder
        self.planned = planned
        try FileManager.default.createDirectory(atPath: folder + "/arms", withIntermediateDirectories: true)
        let path = folder + "/protocol.json"
        if let earlier = try? String(contentsOfFile: path, encoding: .utf8) {
            guard earlier == (try planned.json) else {
                throw BenchError("\(path) is another protocol: give another folder, what is there was made for it")
            }
        } else {
            try planned.json.write(toFile: path, atomically: true, encoding: .utf8)
        }
        data = PaperData(planned: planned, folder: folder)
        scorer = PaperScorer(folder: folder)
        federation = try LocalFederation(folder: folder + "/federation", binaries: Bench.programs)
    }

    private static let batch = 8

    private static func goOn() throws {
        if isAskedToStop.load(ordering: .relaxed) { throw BenchError("stopped: the same command goes on from here") }
    }

    private func say(_ line: String) { FileHandle.standardOutput.write(Data("\(line)\n".utf8)) }

    func run() throws {
        // Its programs end with it.
        for number in [SIGINT, SIGTERM] { signal(number) { _ in isAskedToStop.store(true, ordering: .relaxed) } }
        try data.make { arguments in
            let agent = try ChildProgram(
                "agent", Bench.programs + "/agent", arguments, log: folder + "/synthesize.log")
            while agent.isRunning {
                if isAskedToStop.load(ordering: .relaxed) { agent.end() }
                usleep(200_000)
            }
            try Self.goOn()
            guard FileManager.default.fileExists(atPath: arguments[arguments.count - 1] + "/manifest.csv") else {
                throw BenchError("synthesize failed: see \(folder)/synthesize.log")
            }
        }
        var programs: [ChildProgram] = []
        defer { for program in programs.reversed() { program.end() } }
        try start(&programs)
        var pretrained: [PaperProtocol.Arm: Pretrained] = [:]
        for objective in planned.arms.compactMap(\.objective) where pretrained[objective] == nil {
            pretrained[objective] = try pretrain(objective)
        }
        var rates: [PaperProtocol.Arm: Double] = [:]
        for arm in planned.arms {
            let trials = try planned.rates(arm).map { try select(train(planned.trial(arm, rate: $0), pretrained)) }
            rates[arm] = Result.best(trials)?.run.rate
        }
        for run in planned.runs({ rates[$0] ?? planned.rates($0)[0] }) { try test(train(run, pretrained)) }
    }

    /// Writes what is there so far.
    func report() throws {
        let report = try PaperReport(
            planned, results(), trivial: try kept("trivial", trivial),
            oracle: try kept("oracle-\(MaskOracle.version)") { try MaskOracle.areas(planned, data) })
        let files = try report.report.write(to: folder + "/report")
        for table in [report.primary, report.core] {
            for row in [table.columns] + table.rows { say("| " + row.joined(separator: " | ") + " |") }
        }
        say(files[0])
    }

    /// Of each task an area and its interval, kept in a file once they were computed.
    private func kept(_ name: String, _ compute: () throws -> [String: [Double]]) throws -> [String: [Double]] {
        let path = "\(folder)/\(name).json"
        if let data = FileManager.default.contents(atPath: path) {
            return try JSONDecoder().decode([String: [Double]].self, from: data)
        }
        let found = try compute()
        try JSONEncoder().encode(found).write(to: URL(filePath: path), options: .atomic)
        return found
    }

    /// The trivial model's areas on the training cohort.
    private func trivial() throws -> [String: [Double]] {
        var found: [String: [Double]] = [:]
        for task in planned.tasks {
            struct Check: Decodable {
                struct Model: Decodable {
                    struct Class: Decodable { var auc, lower, upper: Double }
                    var classes: [Class]
                }
                var trivialModels: [Model]
                enum CodingKeys: String, CodingKey { case trivialModels = "trivial_models" }
            }
            let text = try federation.agent(
                "check", "--data", data.manifest("pool", 1), "--task", task.name, "--size", "\(planned.size)", "--json")
            let check = try JSONDecoder().decode(Check.self, from: Data(text.utf8))
            if let one = check.trivialModels.first?.classes.first {
                found[task.name] = [one.auc, one.lower, one.upper]
            }
        }
        return found
    }

    /// Every result there is.
    func results() throws -> [Result] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/arms").sorted()
        return try names.filter { $0.hasSuffix(".json") && !$0.hasPrefix("pretraining-") }.map {
            try JSONDecoder().decode(Result.self, from: Data(contentsOf: URL(filePath: "\(folder)/arms/\($0)")))
        }
    }

    private func start(_ programs: inout [ChildProgram]) throws {
        // What was begun and not set up to its end has run nothing yet.
        let ready = federation.folder + "/ready"
        let isNew = !FileManager.default.fileExists(atPath: ready)
        if isNew { try? FileManager.default.removeItem(atPath: federation.folder) }
        try FileManager.default.createDirectory(atPath: federation.folder, withIntermediateDirectories: true)
        programs.append(try isNew ? federation.found() : federation.serve())
        for site in planned.sites + ["pool"] {
            if isNew {
                try federation.enrol(site)
                // Which part of the labels a study may use is the site's own setting.
                var text = """
                    data: \(data.manifest(site, 1))
                    approve: {consent: automatic, update: automatic, evaluation: automatic, release: automatic}
                    origin: synthetic
                    minimum: {cases: 1, cases_per_class: 1}
                    floors: {minimum_sites: 1}
                    threads: \(site == "pool" ? 2 : 1)
                    studies:

                    """
                for name in studies() {
                    text += "  \(name.study): {data: \(data.manifest(site, name.fraction))}\n"
                }
                try text.write(
                    toFile: "\(federation.folder)/\(site)/agent.yaml", atomically: true, encoding: .utf8)
            }
            programs.append(try federation.startSite(site))
        }
        if isNew { try "".write(toFile: ready, atomically: true, encoding: .utf8) }
    }

    /// Every study the protocol may need, with its part of the labels.
    private func studies() -> [(study: String, fraction: Double)] {
        let pretraining = Set(planned.arms.compactMap(\.objective)).map { ("pretraining-\($0.rawValue)", 1.0) }
        let runs = planned.rates.indices.flatMap { i in planned.runs { planned.rates($0)[i] } }
        return pretraining.sorted { $0.0 < $1.0 } + runs.map { ($0.name, $0.fraction) }
    }

    private func pretrain(_ arm: PaperProtocol.Arm) throws -> Pretrained {
        let path = "\(folder)/arms/pretraining-\(arm.rawValue).json"
        if let done = try? JSONDecoder().decode(Pretrained.self, from: Data(contentsOf: URL(filePath: path))) {
            return done
        }
        let (model, seconds) = try study(
            "pretraining-\(arm.rawValue)", planned.sites,
            """
            task: pretraining
            objective: \(arm.rawValue)
            initial: {preset: small, seed: \(planned.seeds[0])}
            training: {epochs: \(planned.pretrainingEpochs), batch: 8, rate: 5.0e-4, optimizer: adam, augment: [flip], threads: 1}
            rounds: \(planned.pretrainingRounds)
            """)
        let made = Pretrained(model: model, seconds: seconds)
        try JSONEncoder().encode(made).write(to: URL(filePath: path), options: .atomic)
        return made
    }

    private func train(_ run: PaperRunName, _ pretrained: [PaperProtocol.Arm: Pretrained]) throws -> Result {
        let path = "\(folder)/arms/\(run.name).json"
        if let done = try? JSONDecoder().decode(Result.self, from: Data(contentsOf: URL(filePath: path))) {
            return done
        }
        let initial =
            switch run.arm {
            case .scratch: "{preset: small, seed: \(run.seed)}"
            case .cnn: "{preset: resnet, seed: \(run.seed)}"
            default: "{weights: \(run.arm.objective.flatMap { pretrained[$0]?.model } ?? "")}"
            }
        let sites =
            switch run.setting {
            case .federated: planned.sites
            case .pooled: ["pool"]
            case .alone: [run.site ?? ""]
            }
        let (model, seconds) = try study(
            run.name, sites,
            """
            task: \(run.task.name)
            classes: [\(run.task.classes.joined(separator: ", "))]
            initial: \(initial)
            training: {epochs: 1, batch: \(Self.batch), rate: \(run.rate), optimizer: adamw, drop_contrasts: 0.1, augment: [flip, intensity], \(run.arm == .probe ? "freeze: [encoder], " : "")class_weights: [1, 1]}
            rounds: \(planned.rounds)
            gate: off
            evaluation: off
            seed: \(run.seed)
            """)
        let result = Result(
            run: run, model: model,
            steps: try planned.rounds
                * sites.reduce(0) { try $0 + (data.cases(run, at: $1).count + Self.batch - 1) / Self.batch },
            seconds: seconds)
        try keep(result)
        return result
    }

    private func keep(_ result: Result) throws {
        try JSONEncoder().encode(result)
            .write(to: URL(filePath: "\(folder)/arms/\(result.run.name).json"), options: .atomic)
    }

    private func select(_ result: Result) throws -> Result {
        guard result.select == nil else { return result }
        var scored = result
        scored.select = try scores(result, data.manifest("pool", 1), .select)
        try keep(scored)
        return scored
    }

    private func test(_ result: Result) throws {
        guard result.test == nil else { return }
        var scored = result
        scored.test = try scores(result, data.test, .test)
        if planned.settings.contains(.alone) { scored.own = try scores(result, data.manifest("pool", 1), .test) }
        try keep(scored)
        let area = scored.test?.withinSites
        let figures = String(
            format: "test AUC within sites %.3f (%.3f to %.3f), %.0f s", area?.area ?? .nan,
            area?.interval?.lowerBound ?? .nan, area?.interval?.upperBound ?? .nan, result.seconds)
        say("\(result.run.name): \(figures)")
    }

    private func scores(_ result: Result, _ manifest: String, _ split: Split) throws -> PaperScores {
        try scorer.scores(federation.object(result.model), manifest, result.run.task, split)
    }

    /// Runs a study to its end, or goes on with one that was begun.
    /// - Returns: its last model, and the seconds of its rounds.
    private func study(_ name: String, _ sites: [String], _ plan: String) throws -> (String, Double) {
        let path = "\(federation.folder)/\(name).yaml"
        if (try? federation.status(name)) == nil {
            try """
            name: \(name)
            \(plan)
            recipe: {name: \(planned.recipe), size: \(planned.size)}
            minimum_sites: \(sites.count)
            governance:
              purpose: "\(planned.title) Protocol SHA-256 \(try planned.digest)"
              data_declared: synthetic
              approvals: {\(sites.map { "\($0): made heads" }.joined(separator: ", "))}

            """.write(toFile: path, atomically: true, encoding: .utf8)
            try federation.coordinator("study", "create", path)
        }
        if try federation.status(name).standing == "draft" { try federation.coordinator("study", "start", name) }
        let limit = ContinuousClock.now + .seconds(7200)
        while true {
            try Self.goOn()
            let status = try federation.status(name)
            if status.standing == "finished" { return (status.base, status.seconds.reduce(0, +)) }
            guard status.standing == "running", ContinuousClock.now < limit else {
                throw BenchError("the study \(name) is \(status.standing) and does not end: see \(federation.folder)")
            }
            sleep(2)
        }
    }
}
