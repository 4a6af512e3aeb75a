import CoordinatorService
import Federation

/// A study as a terminal shows it.
struct StudyTable {
    private let report: StudyReport
    private let status: StudyStatus

    init(_ report: StudyReport) {
        self.report = report
        status = report.status
    }

    var lines: [String] {
        var lines = [
            "\(status.name) (\(status.kind.rawValue)) is \(status.standing.rawValue), "
                + "round \(status.round) of \(status.rounds)"
                + (status.phase.map { " is \($0.rawValue)" } ?? "")
                + (report.secondsLeft.map { ", \(Figures.duration($0)) left" } ?? "")
        ]
        if !status.waitsFor.isEmpty { lines.append(status.waitsFor) }
        if let reason = status.reason { lines.append(reason) }
        lines += lacking
        if status.lockedTestOpenings > 0 { lines.append("locked test opened: \(status.lockedTestOpenings)") }
        if !status.sites.isEmpty { lines += [""] + sites }
        if !status.history.isEmpty { lines += [""] + rounds }
        return lines
    }

    /// What no site has enough of, in one line or none.
    private var lacking: [String] {
        guard !status.lacking.isEmpty else { return [] }
        let names = status.lacking.joined(separator: ", or ")
        return [
            "no site has \(EgressLimits.standard.leastCases) training cases with \(names): the model learns little of that; "
                + "name only contrasts that sites have in a new study's plan, or let a site take part that has them"
        ]
    }

    private var sites: [String] {
        var table = TextTable("site", "consent", "", "doing", "done", "received", "cases", "")
        for site in status.sites {
            let live = report.live.first { $0.site == site.site }
            let activity = live?.activity
            table.add(
                site.site, site.standing.rawValue, live?.connected == true ? "connected" : "away",
                activity?.phase.rawValue ?? site.progress ?? "–",
                activity.map { $0.total > 0 ? "\($0.done)/\($0.total)" : "–" } ?? "–",
                live.map { $0.bytes > 0 ? "\(Figures.bytes($0.received)) of \(Figures.bytes($0.bytes))" : "–" } ?? "–",
                site.samples.map { "\($0)" } ?? "–", site.detail ?? "")
        }
        return table.lines
    }

    private var rounds: [String] {
        var table = TextTable("round", "state", "sites", "cases", "bytes", "loss", "change of AUC (95 %)", "model")
        for round in status.history {
            table.add(
                round.reference.attempt > 1
                    ? "\(round.reference.round), try \(round.reference.attempt)" : "\(round.reference.round)",
                round.phase.rawValue, "\(round.contributions.count)/\(round.asked.count)", "\(round.samples)",
                Figures.bytes(round.bytes), Figures.optional(round.loss, 4), round.change,
                round.candidate.map { String($0.digest.prefix(12)) } ?? "–")
        }
        return table.lines
    }

    /// The report as one line of JSON.
    var line: String { get throws { try MessageCoding.encode(report) } }

    static func line(of round: RoundSummary, planned: Int) -> String {
        "round \(round.reference.round)/\(planned)  \(round.phase.rawValue)  \(round.contributions.count) sites  "
            + "\(round.samples) cases  \(Figures.bytes(round.bytes))  loss \(Figures.optional(round.loss, 4))  "
            + "change of AUC \(round.change)" + (round.failure.map { "  \($0)" } ?? "")
    }
}

extension RoundSummary {
    var samples: Int { contributions.reduce(0) { $0 + $1.samples } }
    var bytes: Int { contributions.reduce(0) { $0 + $1.bytes } }

    /// Mean training loss over the sites that told theirs, weighted by cases.
    var loss: Double? {
        let told = contributions.compactMap { part in part.loss.map { (loss: $0, samples: Double(part.samples)) } }
        let samples = told.reduce(0) { $0 + $1.samples }
        return samples > 0 ? told.reduce(0) { $0 + $1.loss * $1.samples } / samples : nil
    }

    var change: String {
        guard let change = gate?.judgement?.change else { return "–" }
        return Figures.estimate(change.value, [change.lower, change.upper])
    }
}
