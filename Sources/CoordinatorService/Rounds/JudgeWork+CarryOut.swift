package import Federation
import Foundation
import Statistics

extension JudgeWork {
    /// Combines the reports on a candidate: those of the sites; where no site has enough cases, the coordinator's own.
    /// - Throws: `StoreError` when a report cannot be read.
    package func carryOut(_ objects: ObjectStore) throws -> Judgement {
        let sites = try reports.map { report in
            try MessageCoding.decode(Signed<EvaluationReport>.self, from: try Self.text(report.object, objects)).body()
        }
        let own = try coordinator.map {
            try MessageCoding.decode(EvaluationReport.self, from: try Self.text($0, objects))
        }
        if plan.objective != nil { return Judgement(change: nil, figures: Self.restoration(sites)) }
        let combined = CombinedAUC(sites.map(comparable))
        let alone = own.flatMap { CombinedAUC([comparable($0)]) }
        var figures: [ReleaseCard.Figure] = []
        if let combined {
            figures += figure(Judgement.area, combined.stratified)
            figures += figure(
                "pooled AUC, select", combined.pooled, note: "it mixes in how common the class is at each site")
            if !combined.tooFew.isEmpty {
                figures.append(
                    ReleaseCard.Figure(
                        name: "sites with too few cases", value: Double(combined.tooFew.count),
                        note: combined.tooFew.joined(separator: ", ")))
            }
        }
        if let alone { figures += figure("coordinator's set AUC", alone.stratified) }
        guard let candidate else { return Judgement(change: nil, figures: figures) }
        let point =
            plan.classes.count == 2
            ? OperatingPoint(
                sites.bins(of: candidate.digest, class: plan.positive), positive: plan.positive,
                asked: plan.evaluation.sensitivity) : nil
        figures += point?.figures ?? []
        let familiarity = familiarity(of: candidate.digest, sites)
        if let familiarity {
            figures.append(
                ReleaseCard.Figure(
                    name: "training cases summed for familiarity", value: Double(familiarity.features.count),
                    note:
                        "\(familiarity.dimensions) dimensions"
                        + (familiarity.between.map {
                            "; because sites differ, squared distances are divided by \(Self.digits($0.images)) of images "
                                + "and \(Self.digits($0.features)) of features"
                        } ?? "")))
        }
        let margin = plan.gate?.margin ?? 0
        let alarms = (combined?.sites ?? []).filter { $0.areas.isWorse(margin: margin) }.compactMap { site in
            Self.change(site.areas).map { Judgement.Alarm(site: site.site, change: $0) }
        }
        return Judgement(
            change: (combined ?? alone).flatMap { Self.change($0.stratified) }, alarms: alarms, figures: figures,
            point: point, familiarity: familiarity)
    }

    /// What the sites' training cases are to the candidate: of those that say it as the plan asks.
    private func familiarity(of model: String, _ reports: [EvaluationReport]) -> Familiarity? {
        guard let dimensions = plan.evaluation.familiarity else { return nil }
        return Familiarity(
            reports.sorted { $0.site < $1.site }.compactMap(\.familiarity).filter {
                $0.isWhole && $0.model == model && $0.dimensions == dimensions && $0.seed == plan.seed
            })
    }

    /// The error of restored select cases, before and after the round: the mean over sites by their cases.
    private static func restoration(_ sites: [EvaluationReport]) -> [ReleaseCard.Figure] {
        let cases = sites.reduce(0) { $0 + $1.cases.reduce(0, +) }
        guard cases > 0, let models = sites.map(\.models.count).min(), models > 0 else { return [] }
        return ["base", "candidate"].prefix(models).enumerated().map { index, which in
            let sum = sites.reduce(0) { $0 + Double($1.cases.reduce(0, +)) * $1.models[index].loss }
            return ReleaseCard.Figure(
                name: Judgement.restoration + ", \(which)", value: sum / Double(cases),
                note: "\(cases) cases of \(sites.count) sites")
        }
    }

    /// A report on base and candidate; of an evaluation study, which has no candidate, the base stands for both.
    private func comparable(_ report: EvaluationReport) -> EvaluationReport {
        guard candidate == nil, let base = report.models.first else { return report }
        var report = report
        report.models = [base, base]
        return report
    }

    private func figure(_ name: String, _ areas: AreaComparison, note: String? = nil) -> [ReleaseCard.Figure] {
        func one(_ name: String, _ area: AreaEstimate) -> ReleaseCard.Figure {
            let ties = "between \(Self.digits(area.ties[0])) and \(Self.digits(area.ties[1])) without binning"
            return ReleaseCard.Figure(
                name: name, value: area.area, interval: area.interval,
                note: [note, ties].compactMap(\.self).joined(separator: "; "))
        }
        guard candidate != nil else { return [one(name, areas.base)] }
        return [
            one(name + Judgement.ofCandidate, areas.candidate), one(name + ", base", areas.base),
            ReleaseCard.Figure(name: name + ", change", value: areas.change, interval: areas.interval, note: note),
        ]
    }

    private static func change(_ areas: AreaComparison) -> Judgement.Change? {
        areas.interval.map { Judgement.Change(value: areas.change, lower: $0[0], upper: $0[1]) }
    }

    private static func digits(_ value: Double) -> String { "\((value * 10_000).rounded() / 10_000)" }

    private static func text(_ object: ObjectReference, _ objects: ObjectStore) throws -> String {
        guard let data = FileManager.default.contents(atPath: objects.path(of: object.digest)) else {
            throw StoreError(.missing, "The report \(object.digest) is missing; restore it from a backup.")
        }
        return String(decoding: data, as: UTF8.self)
    }
}

extension Judgement {
    fileprivate static let area = "site-stratified AUC, select"
    fileprivate static let restoration = "mean absolute error of restored voxels, select"
    fileprivate static let ofCandidate = ", candidate"

    /// The primary figure: the candidate's area or, of pretraining, its error of restoration; in an evaluation study,
    /// which has no candidate, the model's area.
    var primary: ReleaseCard.Figure? {
        let names = [Self.area + Self.ofCandidate, Self.restoration + Self.ofCandidate, Self.area]
        return figures.first { names.contains($0.name) }
    }
}
