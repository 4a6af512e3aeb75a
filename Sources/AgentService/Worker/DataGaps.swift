import Cohort
import Federation
import Imaging
import Statistics
import Training

/// What of a plan a site's cases can hardly serve, by the manifest and before the first step: nothing that keeps it from
/// training, but what its people would otherwise learn after hours.
struct DataGaps {
    /// Contrasts of the plan that fewer training cases have than an update needs, in the plan's order.
    let contrasts: [String]
    /// Sentences for the site's own people, with numbers and the manifest's path.
    let notes: [String]

    init(_ cases: TaskCases, _ plan: StudyPlan, manifest: String) {
        let limits = EgressLimits.standard
        let training = cases.of(.train).map(\.record.paths)
        contrasts = plan.contrasts.filter { name in
            guard let contrast = Contrast(rawValue: name) else { return true }
            return training.count { $0.names(contrast) } < limits.leastCases
        }
        var notes: [String] = []
        if !contrasts.isEmpty {
            notes.append(
                "fewer than \(limits.leastCases) training cases of \(manifest) have \(contrasts.joined(separator: ", or ")), "
                    + "which the plan names: the model learns little of that here")
        }
        let select = cases.counts(.select)
        if plan.evaluation.sites, select.reduce(0, +) < limits.leastCases {
            notes.append(
                "\(manifest) has \(select.reduce(0, +)) select cases, fewer than \(limits.leastCases): the site will train "
                    + "and not evaluate")
        } else if plan.evaluation.sites, plan.objective == nil,
            select.contains(where: { $0 < limits.leastCasesPerClass })
        {
            let told = zip(cases.task.classes, select).map { "\($0) \($1)" }.joined(separator: ", ")
            notes.append(
                "\(manifest) has select cases of \(told), not \(limits.leastCasesPerClass) of each: no area will be told of "
                    + "this site, and it takes no part in the change within sites")
        }
        if let dimensions = plan.evaluation.familiarity, plan.objective == nil,
            training.count < MomentSums.casesPerDimension * dimensions
        {
            notes.append(
                "\(manifest) has \(training.count) training cases and \(dimensions) dimensions of familiarity take "
                    + "\(MomentSums.casesPerDimension * dimensions): the site sends no sums for it")
        }
        self.notes = notes
    }
}
