import Statistics

/// The rules that no single field shows: least cohorts, and fields that must agree.
struct EgressCohort {
    let kind: EgressKind
    let limits: EgressLimits

    /// - Parameter text: JSON that fits the schema.
    func check(_ text: String) throws(EgressViolation) {
        switch kind {
        case .updateHeader: try check(try decode(UpdateHeader.self, text))
        case .report: try check(try decode(EvaluationReport.self, text))
        case .consent: try check(try decode(Consent.self, text))
        default: break
        }
    }

    private func decode<T: Decodable>(_ type: T.Type, _ text: String) throws(EgressViolation) -> T {
        do { return try MessageCoding.decode(type, from: text) } catch {
            throw EgressViolation(kind, .malformed, "", "it cannot be read as what it claims to be")
        }
    }

    private func check(_ consent: Consent) throws(EgressViolation) {
        guard consent.agrees || consent.reason?.isEmpty == false else {
            throw EgressViolation(kind, .missingField, "reason", "a refusal says why")
        }
    }

    private func check(_ header: UpdateHeader) throws(EgressViolation) {
        try require(header.samples, limits.leastCases, "samples", "training cases")
    }

    private func check(_ report: EvaluationReport) throws(EgressViolation) {
        let all = report.cases.reduce(0, +)
        try require(all, limits.leastCases, "cases", "select cases in all")
        if report.cases.count > 1 {
            for (index, count) in report.cases.enumerated() {
                try require(count, limits.leastCasesPerClass, "cases[\(index)]", "cases of a class that is counted")
            }
        }
        for (index, model) in report.models.enumerated() {
            let path = "models[\(index)]"
            guard model.correct <= all else {
                throw EgressViolation(kind, .inconsistent, "\(path).correct", "it is more than the \(all) cases")
            }
            try check(model.histograms, cases: report.cases, at: "\(path).histograms")
        }
        if let familiarity = report.familiarity { try check(familiarity, of: report.models.last?.model ?? "") }
    }

    private func check(_ familiarity: Familiarity, of model: String) throws(EgressViolation) {
        guard familiarity.isWhole, familiarity.model == model else {
            throw EgressViolation(
                kind, .inconsistent, "familiarity", "its sums do not fit each other or are of another model")
        }
        let least = max(limits.leastCases, MomentSums.casesPerDimension * familiarity.dimensions)
        try require(familiarity.features.count, least, "familiarity.features.count", "training cases")
        try require(familiarity.images.count, least, "familiarity.images.count", "training cases with all contrasts")
    }

    private func check(_ histograms: [ScoreHistogram], cases: [Int], at path: String) throws(EgressViolation) {
        guard !histograms.isEmpty else { return }
        guard cases.count > 1, histograms.map(\.class) == Array(cases.indices) else {
            throw EgressViolation(kind, .inconsistent, path, "there is not one histogram a class, in order")
        }
        let all = cases.reduce(0, +)
        for (index, histogram) in histograms.enumerated() {
            var next = 0
            for (place, bin) in histogram.bins.enumerated() {
                let field = "\(path)[\(index)].bins[\(place)]"
                guard bin.first == next, bin.last >= bin.first else {
                    throw EgressViolation(kind, .inconsistent, field, "bins overlap, leave a hole or are out of order")
                }
                try require(bin.positive + bin.negative, limits.leastCasesPerBin, field, "cases in each bin")
                next = bin.last + 1
            }
            let positive = histogram.bins.reduce(0) { $0 + $1.positive }
            let counted = histogram.bins.reduce(0) { $0 + $1.positive + $1.negative }
            guard next == HistogramBuilder.bins, positive == cases[index], counted == all else {
                throw EgressViolation(
                    kind, .inconsistent, "\(path)[\(index)]", "its bins do not hold all cases of the report")
            }
        }
    }

    private func require(
        _ count: Int, _ least: Int, _ field: String, _ what: String
    ) throws(EgressViolation) {
        guard count >= least else {
            throw EgressViolation(kind, .cohort, field, "there are \(count) \(what), fewer than \(least)")
        }
    }
}
