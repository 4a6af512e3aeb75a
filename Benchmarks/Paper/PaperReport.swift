import Encoder
import Foundation
import Reporting
import Statistics

/// The tables and figures of what the protocol's arms came to.
struct PaperReport {
    private let planned: PaperProtocol
    private let digest: String
    /// Of several rates, those of the one that the arm was tuned to.
    private let chosen: [PaperRun.Result]
    private let trials: [PaperRun.Result]
    private let trivial: [String: [Double]]
    private let oracle: [String: [Double]]

    /// - Parameters:
    ///   - trivial: of each task the area of the trivial model with its interval, on the training cohort.
    ///   - oracle: the same of ``MaskOracle``, on the test cohort.
    init(
        _ planned: PaperProtocol, _ results: [PaperRun.Result], trivial: [String: [Double]], oracle: [String: [Double]]
    ) throws {
        self.planned = planned
        self.trivial = trivial
        self.oracle = oracle
        digest = try planned.digest
        let trials = results.filter { $0.run == planned.trial($0.run.arm, rate: $0.run.rate) }
        self.trials = trials
        chosen = results.filter { result in
            result.test != nil
                && result.run.rate == PaperRun.Result.best(trials.filter { $0.run.arm == result.run.arm })?.run.rate
        }
    }

    private func results(
        _ task: PaperProtocol.Task, _ arm: PaperProtocol.Arm, _ setting: PaperProtocol.Setting = .federated,
        _ fraction: Double = 1
    ) -> [PaperRun.Result] {
        chosen.filter {
            $0.run.task == task && $0.run.arm == arm && $0.run.setting == setting && $0.run.fraction == fraction
        }
    }

    /// Of the first seed.
    private func scores(
        _ task: PaperProtocol.Task, _ arm: PaperProtocol.Arm, _ setting: PaperProtocol.Setting = .federated,
        _ fraction: Double = 1
    ) -> PaperScores? {
        results(task, arm, setting, fraction).first { $0.run.seed == planned.seeds[0] }?.test
    }

    var report: Report {
        Report(
            title: "The design in small, on made heads",
            notice: "\(planned.title) \(ModelDescription.investigational)",
            sections: [
                Report.Section(
                    "What this is",
                    [
                        .text(
                            "The design of the study, carried out by the programs themselves through one federation on "
                                + "one machine. It shows whether the programs do what they should, and nothing about "
                                + "patients. Test cases come from a generator that no training saw; intervals are over "
                                + "test cases and not over trainings, but for the primary comparison and where "
                                + "methods over seeds are compared."),
                        .text("Protocol SHA-256 \(digest), in the plan of every study, and so in the transcript."),
                        .text(missing),
                    ]),
                Report.Section("Core", [.table(primary), .table(core), .table(contrasts)]),
                Report.Section("Learning curves", planned.tasks.map { .lines(curve($0)) }),
                Report.Section(
                    "Sites alone, and other seeds",
                    (planned.settings.contains(.alone) ? [.table(alone)] : [])
                        + (planned.seeds.count > 1 ? [.table(methods)] : [])
                        + (planned.settings.contains(.alone) || planned.seeds.count > 1
                            ? [] : [.text("Not part of this protocol: `make paper FULL=1` has them.")])),
                Report.Section("Bounds, arms and tuning", [.table(bounds), .table(arms), .table(tuning)]),
                Report.Section("Protocol", [.verbatim((try? planned.json) ?? "")]),
            ])
    }

    private var missing: String {
        let done = Set(chosen.map(\.run.name))
        let lacking = planned.runs { arm in chosen.first { $0.run.arm == arm }?.run.rate ?? 0 }.map(\.name)
            .filter { !done.contains($0) }
        return lacking.isEmpty
            ? "Every arm of the protocol was run."
            : "Not yet run: \(lacking.joined(separator: "; ")). Nothing is said of these."
    }

    /// An area with its interval; empty where there is none.
    private static func text(_ value: Double?, _ interval: [Double]?) -> String {
        guard let value else { return "" }
        guard let interval else { return String(format: "%.3f", value) }
        return String(format: "%.3f (%.3f to %.3f)", value, interval[0], interval[1])
    }

    private func area(_ scores: PaperScores?) -> (value: Double, interval: [Double]?)? {
        scores?.withinSites.map { ($0.area, $0.interval?.ends) }
    }

    /// What federating costs, over all arms of a task.
    var primary: ReportTable {
        var table = ReportTable(
            "primary",
            title: "Primary comparison: federated less pooled, mean change of the AUC within sites over the arms",
            columns: ["task", "arms", "change", "scatter of trainings", "non-inferior"],
            note:
                "First seed. 95 % intervals by Student's t over arms and test cases; another training cohort, or rates "
                + "tuned otherwise, they do not cover. The scatter is the standard deviation of an arm's change beyond "
                + "what test cases explain. Non-inferior: the lower end is not below \(planned.margin), in each task for "
                + "itself. A task is compared when all its arms were run.")
        for task in planned.tasks {
            let pairs = planned.arms.compactMap { arm in
                scores(task, arm).flatMap { one in scores(task, arm, .pooled).map { (one, $0) } }
            }
            guard pairs.count == planned.arms.count, let cases = pairs.first?.0,
                let change = PairedTrainings(
                    labels: cases.labels, first: pairs.map(\.0.scores), second: pairs.map(\.1.scores),
                    sites: cases.sites, patients: cases.patients)
            else { continue }
            table.add([
                task.name, "\(pairs.count)", Self.text(change.difference, change.interval.ends),
                String(format: "%.3f", change.between.squareRoot()),
                change.interval.lowerBound >= planned.margin ? "yes" : "no",
            ])
        }
        return table
    }

    var core: ReportTable {
        var table = ReportTable(
            "core", title: "AUC within sites on test cases of the second generator, all labels",
            columns: ["task", "arm", "federated", "pooled", "federated less pooled", "non-inferior by itself"],
            note:
                "95 % intervals over test cases, of these trainings. Non-inferior by itself: the lower end is not below "
                + "\(planned.margin). Not adjusted for the number of comparisons.")
        for task in planned.tasks {
            for arm in planned.arms {
                let (federated, pooled) = (scores(task, arm), scores(task, arm, .pooled))
                let change = federated.flatMap { one in pooled.flatMap { one.change(from: $0) } }
                table.add([
                    task.name, arm.rawValue, Self.text(area(federated)?.value, area(federated)?.interval),
                    Self.text(area(pooled)?.value, area(pooled)?.interval), Self.text(change?.value, change?.interval),
                    change.map { $0.interval[0] >= planned.margin ? "yes" : "no" } ?? "",
                ])
            }
        }
        return table
    }

    private var contrasts: ReportTable {
        var table = ReportTable(
            "pretrained", title: "Pretrained less not pretrained, federated, on the same test cases",
            columns: ["task", "labels", "pretrained", "against", "change of AUC"],
            note: "Whatever the sign. Not adjusted for the number of comparisons.")
        for task in planned.tasks {
            for fraction in planned.fractions {
                for (arm, other) in planned.contrasts {
                    guard let one = scores(task, arm, .federated, fraction),
                        let two = scores(task, other, .federated, fraction), let change = one.change(from: two)
                    else { continue }
                    table.add([
                        task.name, "\(Int(fraction * 100)) %", arm.rawValue, other.rawValue,
                        Self.text(change.value, change.interval),
                    ])
                }
            }
        }
        return table
    }

    private var alone: ReportTable {
        var table = ReportTable(
            "alone", title: "Each site by itself: at home, away, and on the second generator",
            columns: ["task", "arm", "trained at", "at home", "away", "second generator"],
            note: "AUC within sites; at home and away on the test cases of the training cohort, first seed.")
        for task in planned.tasks {
            for arm in planned.arms {
                let own = results(task, arm, .alone) + results(task, arm)
                for site in planned.sites {
                    for result in own where result.run.seed == planned.seeds[0] && result.run.site ?? site == site {
                        let areas = [
                            result.own?.only { $0 == site }, result.own?.only { $0 != site }, result.test,
                        ].map { area($0) }
                        table.add(
                            [task.name, arm.rawValue, result.run.site ?? "all, for \(site)"]
                                + areas.map { Self.text($0?.value, $0?.interval) })
                    }
                }
            }
        }
        return table
    }

    /// Methods are compared over seeds and patients, or it is said that there are too few seeds.
    private var methods: ReportTable {
        var table = ReportTable(
            "methods", title: "Methods over \(planned.seeds.count) seeds, all labels",
            columns: ["task", "comparison", "difference of the mean AUC", "p", "p, Holm"],
            note: "Pooled AUC of the second generator's cases; bootstrap over seed and patient. Holm within a task.")
        for task in planned.tasks {
            let pairs =
                planned.arms.map {
                    ("\($0.rawValue): federated less pooled", results(task, $0), results(task, $0, .pooled))
                }
                + planned.contrasts.map {
                    ("\($0.rawValue) less \($1.rawValue)", results(task, $0), results(task, $1))
                }
            let found = pairs.map { _, one, two -> MethodBootstrap? in
                guard let cases = one.first?.test else { return nil }
                return try? MethodBootstrap(
                    labels: cases.labels, patients: cases.patients, first: one.compactMap(\.test?.scores),
                    second: two.compactMap(\.test?.scores))
            }
            let adjusted = Holm.adjusted(found.map(\.?.p))
            for ((pair, bootstrap), adjusted) in zip(zip(pairs, found), adjusted) {
                guard let bootstrap else {
                    table.add([task.name, pair.0, "fewer than \(MethodBootstrap.fewestSeeds) seeds were run", "", ""])
                    continue
                }
                let interval = [bootstrap.interval.lowerBound, bootstrap.interval.upperBound]
                table.add([
                    task.name, pair.0, Self.text(bootstrap.difference, interval), Number.text(bootstrap.p),
                    Number.text(adjusted),
                ])
            }
        }
        return table
    }

    private func curve(_ task: PaperProtocol.Task) -> LineChart {
        let series = planned.arms.map { arm in
            LineChart.Series(
                arm.rawValue,
                planned.fractions.sorted().compactMap { fraction in
                    area(scores(task, arm, .federated, fraction)).map {
                        LineChart.Point(100 * fraction, $0.value, $0.interval)
                    }
                })
        }
        return LineChart(
            "curve-\(task.name)", title: "\(task.name): AUC within sites by share of the labels", x: "% of labels",
            y: "AUC", series)
    }

    private var bounds: ReportTable {
        var table = ReportTable(
            "bounds", title: "What can be told without looking, and at least with the outline",
            columns: ["task", "AUC of the trivial model", "AUC of the oracle"],
            note:
                "The trivial model is that of `agent check`, from presence, spacing, volume and intensities alone, on the "
                + "training cohort; the oracle kernel ridge regression on what lies within and about the true outline, on those cases "
                + "of the test cohort that have one; of detection having one is the answer."
        )
        for task in planned.tasks {
            let found = [trivial, oracle].map { bound in
                Self.text(bound[task.name]?.first, bound[task.name].map { [$0[1], $0[2]] })
            }
            table.add([task.name] + found)
        }
        return table
    }

    private var arms: ReportTable {
        var table = ReportTable(
            "arms", title: "Arms",
            columns: [
                "arm", "parameters", "of them trained", "GFLOP a training sample", "rate chosen", "rounds of an epoch",
                "steps on \(planned.tasks[0].name), all sites",
            ],
            note:
                "Equal samples are seen by every arm of a task and a share of labels. A training sample is counted as "
                + "three forward passes, of the probe as one.")
        for arm in planned.arms {
            var encoder = (arm == .cnn ? Preset.resnet : .small).configuration
            encoder.imageSize = planned.size
            let model = ModelConfiguration(encoder: encoder, head: .mean(classes: 2))
            let parameters = ParameterLayout(model).parameters.filter { !Trainable.decoderOnly($0.name) }
            let trained = parameters.filter { arm != .probe || $0.name.hasPrefix("head.") }
            let passes = arm == .probe ? 1.0 : 3
            let result = results(planned.tasks[0], arm).first
            table.add([
                arm.rawValue, "\(parameters.reduce(0) { $0 + $1.count })", "\(trained.reduce(0) { $0 + $1.count })",
                Number.text(Double(encoder.products) * 2e-9 * passes), Number.text(result?.run.rate),
                "\(planned.rounds)", result.map { "\($0.steps)" } ?? "",
            ])
        }
        return table
    }

    private var tuning: ReportTable {
        var table = ReportTable(
            "tuning", title: "Tuning: \(planned.tasks[0].name), federated, all labels; equal trials for every arm",
            columns: ["arm", "rate", "AUC within sites, select", "seconds of rounds"])
        for trial in trials.sorted(by: { ($0.run.arm.rawValue, $0.run.rate) < ($1.run.arm.rawValue, $1.run.rate) }) {
            let found = area(trial.select)
            table.add([
                trial.run.arm.rawValue, Number.text(trial.run.rate), Self.text(found?.value, found?.interval),
                Number.text(trial.seconds),
            ])
        }
        return table
    }
}
