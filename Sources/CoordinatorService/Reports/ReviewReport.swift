import Encoder
import Federation
import Foundation
import Reporting
import Statistics

/// What a reviewer asks of a study, from its record: plan, sites, rounds, figures, curves, tests opened, versions.
struct ReviewReport {
    private let study: Study
    private let federation: String
    private let lockedTestOpenings: Int
    private let head: TranscriptHead
    private let software: String
    /// Reports of sites on the model in force, read from the objects; those deleted are not there.
    private let reports: [EvaluationReport]
    private let comparison: StudyComparison
    private let efforts: [TrainingEffort]

    /// - Parameters:
    ///   - others: studies it is compared with.
    ///   - report: reads a site's report.
    ///   - model: reads a study's model in force.
    init(
        _ study: Study, beside others: [Study], federation: String, lockedTestOpenings: Int, head: TranscriptHead,
        software: String,
        report: (ObjectReference) -> EvaluationReport?, model: (ObjectReference) -> ModelFile?
    ) {
        self.study = study
        self.federation = federation
        self.lockedTestOpenings = lockedTestOpenings
        self.head = head
        self.software = software
        comparison = StudyComparison(([study] + others).map(StudyComparison.Entry.init))
        efforts = ([study] + others).filter { $0.plan.kind == .training }.map { study in
            TrainingEffort(study, model: study.base.flatMap(model))
        }
        reports =
            Self.last(study)?.reports.keys.sorted().compactMap { site in
                Self.last(study)?.reports[site].flatMap { report($0.object) }
            } ?? []
    }

    /// The round whose model is in force.
    static func last(_ study: Study) -> Round? { study.rounds.last { $0.phase == .committed } }

    var report: Report {
        Report(
            title: "Study \(study.name) of \(federation)",
            notice: ModelDescription.investigational,
            sections: [
                summary, cohort, rounds, effort, model, curves, comparison.section, tests, record,
            ].filter { !$0.parts.isEmpty })
    }

    private var summary: Report.Section {
        let plan = study.plan
        var parts = [
            Report.Part.text(
                "\(plan.kind.rawValue.capitalized) of \(plan.task)"
                    + (plan.classes.isEmpty ? "" : " (\(plan.classes.map(\.name).joined(separator: ", ")))")
                    + ", \(study.standing.rawValue), \(study.completed) of \(plan.rounds) rounds. Purpose: "
                    + plan.governance.purpose)
        ]
        if plan.governance.data == .synthetic {
            parts.append(
                .text("The data are made: what follows is software validation, and no evidence about patients."))
        }
        if !plan.leaveOut.isEmpty {
            parts.append(.text("Left out: \(plan.leaveOut.joined(separator: ", "))."))
        }
        return Report.Section("Summary", parts)
    }

    /// What sites said they trained and evaluated on.
    private var cohort: Report.Section {
        var table = ReportTable(
            "cohort", title: "Cases by site",
            columns: ["site", "training cases", "rounds", "select cases"]
                + study.plan.classes.map { "select: \($0.name)" },
            note: "As sites reported them last. Classes with fewer than "
                + "\(EgressLimits.standard.leastCasesPerClass) cases are not told by class.")
        let last = Self.last(study)
        for site in study.consents.keys.sorted() {
            let taken = study.rounds.filter { $0.phase == .committed }.compactMap { round in
                round.counted.first { $0.site == site }
            }
            let cases = last?.reports[site]?.cases ?? []
            let byClass = study.plan.classes.indices.map { i in
                cases.count == study.plan.classes.count ? "\(cases[i])" : ""
            }
            let samples = taken.last?.samples
            table.add(
                [
                    site, samples.map { "\($0)" } ?? "", "\(taken.count)",
                    cases.isEmpty ? "" : "\(cases.reduce(0, +))",
                ] + byClass)
        }
        return Report.Section("Cohort", [.table(table)])
    }

    private var rounds: Report.Section {
        let (file, metric, title, meaning) =
            study.plan.objective == nil
            ? (
                "area", "AUC", "Site-stratified AUC on select cases",
                "AUC is the site-stratified one on select cases, of the candidate or, in an evaluation study, of the model."
            )
            : (
                "restoration", "restoration error", "Mean absolute error of restored voxels, select",
                "The error is the mean absolute one of the candidate's restored voxels of select cases."
            )
        var table = ReportTable(
            "rounds", title: "Rounds, every attempt",
            columns: [
                "round", "attempt", "phase", "sites", "mean loss", metric, "lower", "upper", "MB received", "seconds",
                "why",
            ],
            note: "Loss is the mean over sites by their cases. \(meaning)")
        var losses: [LineChart.Point] = []
        var figures: [LineChart.Point] = []
        for round in study.rounds {
            let updates = round.updates.values.map(\.received)
            let weighed = round.counted.compactMap { update in update.loss.map { ($0, Double(update.samples)) } }
            let cases = weighed.reduce(0) { $0 + $1.1 }
            let loss = cases > 0 ? weighed.reduce(0) { $0 + $1.0 * $1.1 } / cases : nil
            let figure = round.gate?.judgement?.primary
            let bytes = updates.reduce(0) { $0 + $1.update.bytes }
            table.add([
                "\(round.reference.round)", "\(round.reference.attempt)", round.phase.rawValue,
                round.updates.keys.sorted().joined(separator: " "), Number.text(loss), Number.text(figure?.value),
                Number.text(figure?.interval?[0]), Number.text(figure?.interval?[1]), Number.text(Double(bytes) / 1e6),
                Number.text(round.ended.map { $0.seconds(since: round.opened) }),
                round.failure ?? round.gate?.reasons.joined(separator: " ") ?? "",
            ])
            guard round.phase == .committed || round.phase == .held else { continue }
            let number = Double(round.reference.round)
            if let loss { losses.append(.init(number, loss)) }
            if let figure { figures.append(.init(number, figure.value, figure.interval)) }
        }
        var parts: [Report.Part] = []
        if losses.count > 1 {
            parts.append(
                .lines(
                    LineChart("loss", title: "Training loss", x: "round", y: "loss", [.init("mean of sites", losses)])))
        }
        if figures.count > 1 {
            parts.append(
                .lines(
                    LineChart(file, title: title, x: "round", y: metric, [.init("candidate", figures)])))
        }
        return Report.Section("Rounds", study.rounds.isEmpty ? [] : parts + [.table(table)])
    }

    private var effort: Report.Section {
        Report.Section("Training", efforts.isEmpty ? [] : [.table(TrainingEffort.table(efforts))])
    }

    /// Figures of the model in force.
    private var model: Report.Section {
        guard let last = Self.last(study), let judgement = last.gate?.judgement else {
            return Report.Section("Model", [])
        }
        var table = ReportTable(
            "figures", title: "The model of round \(last.reference.round)",
            columns: ["figure", "value", "lower", "upper", "note"],
            note:
                "95 % intervals. The site-stratified area is the primary one: it compares cases of the same site only.")
        for figure in judgement.figures {
            table.add([
                figure.name, Number.text(figure.value), Number.text(figure.interval?[0]),
                Number.text(figure.interval?[1]), figure.note ?? "",
            ])
        }
        var parts: [Report.Part] = judgement.figures.isEmpty ? [] : [.table(table)]
        if let point = judgement.point { parts.append(.text(point.sentence(study.plan.classes.map(\.name)) + ".")) }
        if last.candidate != nil, sitesTellScores {
            parts.append(
                forest.map { Report.Part.forest($0) }
                    ?? .text(
                        "No forest plot: fewer than two sites told areas, which takes "
                            + "\(EgressLimits.standard.leastCasesPerClass) select cases of each class."))
        }
        return Report.Section("Model", parts)
    }

    /// Each site's change of its area by the last round, and all together by random effects.
    private var forest: ForestPlot? {
        guard let combined = CombinedAUC(reports) else { return nil }
        let sites = combined.sites.compactMap { site in site.areas.variance.map { (site, $0) } }
        guard sites.count > 1,
            let random = RandomEffects(sites.map { .init(effect: $0.0.areas.change, variance: $0.1) })
        else { return nil }
        let rows = zip(sites, random.weights).map { site, weight in
            ForestPlot.Row(site.0.site, site.0.areas.change, site.0.areas.interval, weight: weight)
        }
        let all = ForestPlot.Row(
            "random effects", random.effect, random.interval?.ends, weight: nil)
        return ForestPlot(
            "forest", title: "Change of AUC by the last committed round, by site (Hartung–Knapp)",
            label: "change of AUC", rows + [all])
    }

    /// Whether sites are asked how models score their cases.
    private var sitesTellScores: Bool {
        study.plan.objective == nil && study.plan.evaluation.sites && study.plan.kind != .rehearsal
    }

    private var curves: Report.Section {
        guard sitesTellScores, let last = Self.last(study) else {
            return Report.Section("Curves", [])
        }
        func none(_ why: String) -> Report.Section {
            Report.Section("Curves", [.text("No ROC and calibration curves: \(why).")])
        }
        guard study.plan.classes.count == 2 else { return none("they are drawn for two classes") }
        let digest = (last.candidate ?? last.base).digest
        guard let binned = BinnedCurves(reports.bins(of: digest, class: study.plan.positive)) else {
            return none(
                "no site told scores, which takes \(EgressLimits.standard.leastCasesPerClass) select cases of each class"
            )
        }
        var roc = LineChart(
            "roc", title: "ROC on select cases of all sites", x: "1 - specificity", y: "sensitivity",
            [.init("pooled, from binned scores", binned.roc)])
        (roc.xRange, roc.yRange, roc.hasDiagonal) = (0...1, 0...1, true)
        var calibration = LineChart(
            "calibration", title: "Calibration on select cases of all sites", x: "predicted probability",
            y: "observed share", [.init("pooled, from binned scores", binned.calibration)])
        (calibration.xRange, calibration.yRange, calibration.hasDiagonal) = (0...1, 0...1, true)
        return Report.Section(
            "Curves",
            [
                .lines(roc), .lines(calibration),
                .text(
                    "Scores left the sites in bins of at least \(EgressLimits.standard.leastCasesPerBin) cases; intervals "
                        + "are Clopper and Pearson's (sensitivity) and Wilson's (observed share), 95 %."),
            ])
    }

    private var tests: Report.Section {
        var parts: [Report.Part] = [
            .text(
                "The locked test was opened \(lockedTestOpenings) times"
                    + (study.plan.evaluation.coordinator.map { " (the set \($0), by all studies that name it)" } ?? "")
                    + ".")
        ]
        var table = ReportTable(
            "operator-evaluations", title: "Evaluations by the coordinator's operator",
            columns: ["set", "model", "figure", "value", "lower", "upper", "at"])
        for evaluation in study.evaluations {
            for figure in evaluation.figures {
                table.add([
                    evaluation.set, evaluation.model, figure.name, Number.text(figure.value),
                    Number.text(figure.interval?[0]), Number.text(figure.interval?[1]), "\(evaluation.at)",
                ])
            }
        }
        if !study.evaluations.isEmpty { parts.append(.table(table)) }
        parts.append(
            .text(
                "Overlap: whether a patient is at two sites, or of a site in the coordinator's own set, was not checked. "
                    + "Copies of a scan or a patient in several splits within a site are what `agent check` looks for "
                    + "there; its findings do not leave a site."))
        return Report.Section("Tests and checks", parts)
    }

    private var record: Report.Section {
        var table = ReportTable("record", title: "Record", columns: ["what", "value"])
        for (what, value) in [
            ("plan", study.planDigest), ("plan version", "\(study.planVersion)"),
            ("seed", "\(study.plan.seed)"), ("initial model", study.initial?.digest ?? ""),
            ("model in force", study.base?.digest ?? ""), ("lineage", study.plan.lineage),
            ("transcript rows", "\(head.sequence)"), ("transcript hash", head.hash), ("coordinator", software),
        ] { table.add([what, value]) }
        let programs = Set(study.rounds.flatMap { $0.updates.values.map(\.received.software) }).sorted()
        for program in programs { table.add(["sites' software", program]) }
        return Report.Section("Record", [.table(table), .verbatim(study.planText)])
    }
}
