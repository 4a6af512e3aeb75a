package import Federation
package import Reporting
import Statistics

/// Studies beside one another: models × tasks with tests, and how the area grows with the cases trained on.
package struct StudyComparison {
    /// A study's model in force, as the record tells it.
    package struct Entry: Sendable {
        package var study: String
        package var task: String
        /// What training began with: studies that began alike are one curve.
        package var initial: String
        package var sites: Int
        /// Of all sites in the last committed round.
        package var trainingCases: Int
        /// Site-stratified, on select cases, with its 95 % interval.
        package var area: ReleaseCard.Figure?
        package var seed: UInt64
        /// The plan's digest.
        package var plan: String

        package init(
            study: String, task: String, initial: String, sites: Int, trainingCases: Int, area: ReleaseCard.Figure?,
            seed: UInt64 = 1, plan: String = ""
        ) {
            self.study = study
            self.task = task
            self.initial = initial
            self.sites = sites
            self.trainingCases = trainingCases
            self.area = area
            self.seed = seed
            self.plan = plan
        }

        init(_ study: Study) {
            let last = ReviewReport.last(study)
            let updates = last?.counted.map(\.samples) ?? []
            let initial =
                switch study.plan.initial {
                case .preset(let name, _): "preset \(name)"
                case .weights(let digest): "weights \(digest.prefix(12))"
                }
            let plan = study.plan
            // What else makes another method of the same beginning.
            var method = [initial]
            if !plan.training.freeze.isEmpty { method.append("frozen \(plan.training.freeze.joined(separator: " "))") }
            if plan.recipe.name != "consilium" { method.append("recipe \(plan.recipe.name)") }
            self.init(
                study: study.name, task: plan.task,
                initial: method.joined(separator: ", "), sites: updates.count,
                trainingCases: updates.reduce(0, +),
                area: plan.objective == nil ? last?.gate?.judgement?.primary : nil, seed: plan.seed,
                plan: study.planDigest)
        }

        /// By the longer side of the interval: near 0 or 1 the other is cut off there.
        fileprivate var standardError: Double? {
            guard let area, let interval = area.interval, interval.count == 2 else { return nil }
            let side = max(area.value - interval[0], interval[1] - area.value)
            let error = side / NormalDistribution.quantile(0.975)
            return error > 0 ? error : nil
        }
    }

    private let entries: [Entry]

    package init(_ entries: [Entry]) { self.entries = entries }

    private var tasks: [String] {
        var seen: Set<String> = []
        return entries.map(\.task).filter { seen.insert($0).inserted }
    }

    /// A study less the first one of its task.
    private struct Contrast {
        let value: Double
        let interval: ClosedRange<Double>
        let p: Double

        /// As of different cases: scores are not there to pair them by, and models of the same cases mostly err together.
        init?(_ entry: Entry, less first: Entry) {
            guard entry.study != first.study, let one = entry.area, let two = first.area,
                let a = entry.standardError, let b = first.standardError
            else { return nil }
            value = one.value - two.value
            let error = (a * a + b * b).squareRoot()
            let half = NormalDistribution.quantile(0.975) * error
            interval = value - half...value + half
            p = NormalDistribution.twoSided(value / error)
        }
    }

    /// A row a study; p values are adjusted over all tasks together.
    package var models: ReportTable {
        var table = ReportTable(
            "models", title: "Models and tasks",
            columns: [
                "task", "study", "initial", "sites", "training cases", "AUC", "lower", "upper", "less the task's first",
                "lower", "upper", "p", "p, Holm",
            ],
            note:
                "Site-stratified AUC of each study's model in force, on the sites' select cases. Differences are taken as "
                + "if of different cases, since scores did not leave the sites: where the cases are the same, the true "
                + "interval is mostly narrower. On scores you hold, `coordinator evaluate` pairs them.")
        let contrasts = entries.map { entry in
            entries.first { $0.task == entry.task }.flatMap { Contrast(entry, less: $0) }
        }
        let adjusted = Holm.adjusted(contrasts.map { $0?.p })
        for ((entry, contrast), adjusted) in zip(zip(entries, contrasts), adjusted) {
            let interval = entry.area?.interval
            table.add(
                [
                    entry.task, entry.study, entry.initial, "\(entry.sites)", "\(entry.trainingCases)",
                    Number.text(entry.area?.value), Number.text(interval?[0]), Number.text(interval?[1]),
                ]
                    + [
                        contrast?.value, contrast?.interval.lowerBound, contrast?.interval.upperBound, contrast?.p,
                        adjusted,
                    ].map(Number.text))
        }
        return table
    }

    /// By what each study was carried out.
    private var plans: ReportTable {
        var table = ReportTable("plans", title: "Plans", columns: ["study", "seed", "plan, SHA-256"])
        for entry in entries { table.add([entry.study, "\(entry.seed)", entry.plan]) }
        return table
    }

    /// Of each task in which studies that began alike were trained on different numbers of cases.
    package var curves: [LineChart] {
        tasks.compactMap { task in
            let own = entries.filter { $0.task == task && $0.area != nil && $0.trainingCases > 0 }
            var series: [LineChart.Series] = []
            // Several seeds on the same cases are curves of their own; what is alike in all is told by its study.
            func name(_ entry: Entry) -> String {
                let alike = own.filter { $0.initial == entry.initial }
                guard Set(alike.map(\.trainingCases)).count < alike.count else { return entry.initial }
                let twins = alike.filter { $0.seed == entry.seed && $0.trainingCases == entry.trainingCases }
                return "\(entry.initial), seed \(entry.seed)" + (twins.count > 1 ? ", \(entry.study)" : "")
            }
            for (name, alike) in Dictionary(grouping: own, by: name).sorted(by: { $0.key < $1.key }) {
                let alike = alike.sorted { $0.trainingCases < $1.trainingCases }
                guard Set(alike.map(\.trainingCases)).count > 1 else { continue }
                series.append(
                    LineChart.Series(
                        name,
                        alike.compactMap { entry in
                            entry.area.map { .init(Double(entry.trainingCases), $0.value, $0.interval) }
                        }))
            }
            guard !series.isEmpty else { return nil }
            return LineChart(
                "learning-\(Self.fileName(of: task, among: tasks))",
                title: "\(task): AUC by the number of training cases", x: "training cases",
                y: "AUC", series)
        }
    }

    /// Tasks are any text, names of files are not: other characters become hyphens, and names that then meet are numbered.
    private static func fileName(of task: String, among tasks: [String]) -> String {
        func safe(_ text: String) -> String {
            String(text.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }.prefix(64))
        }
        let alike = tasks.filter { safe($0) == safe(task) }
        guard alike.count > 1, let place = alike.firstIndex(of: task) else { return safe(task) }
        return "\(safe(task))-\(place + 1)"
    }

    var section: Report.Section {
        Report.Section(
            "Models and tasks", entries.count > 1 ? [.table(models), .table(plans)] + curves.map { .lines($0) } : [])
    }
}
