import Foundation
import Training

/// Prints what a fit reports: one line that is updated on a terminal, lines of their own elsewhere.
final class FitProgressLine {
    private let isTerminal = isatty(STDOUT_FILENO) == 1
    private var width = 0
    private var lastPlain = Date.distantPast

    func show(_ report: FitReport) {
        switch report {
        case .note(let text):
            line("note: \(text)")
        case .reading(let done, let total):
            if isTerminal || done == total { update("reading cases: \(done) of \(total)", last: done == total) }
        case .step(let p):
            let text =
                "epoch \(p.epoch)/\(p.epochs) step \(p.step)/\(p.steps)  loss \(String(format: "%.4f", p.loss))  "
                + "rate \(String(format: "%.2e", p.rate))  \(String(format: "%.2f", p.samplesPerSecond)) samples/s  "
                + "\(Self.duration(p.secondsLeft)) left"
            step(text, isLast: p.step == p.steps)
        case .epoch(let r, let epochs):
            func number(_ name: String, _ value: Double?) -> String {
                value.map { "  \(name) \(String(format: "%.4f", $0))" } ?? ""
            }
            line(
                "epoch \(r.epoch)/\(epochs)  train loss \(String(format: "%.4f", r.trainLoss))"
                    + number("select loss", r.select.loss) + number("accuracy", r.select.accuracy)
                    + number("AUC", r.select.auc) + (r.isBest ? "  best" : "")
                    + "  \(Self.duration(r.seconds))")
        }
    }

    /// A step's line: a log file needs none for each of a thousand fast steps.
    func step(_ text: String, isLast: Bool) {
        guard isTerminal || Date().timeIntervalSince(lastPlain) > 10 || isLast else { return }
        lastPlain = Date()
        update(text, last: false)
    }

    /// A line that stays.
    func line(_ text: String) {
        write((isTerminal && width > 0 ? "\r" : "") + padded(text) + "\n")
        width = 0
    }

    private func update(_ text: String, last: Bool) {
        guard isTerminal, !last else { return line(text) }
        write("\r" + padded(text))
        width = text.count
    }

    /// Unbuffered: lines must reach a file or a pipe as they are made. A full disk under a log does not end the fit.
    private func write(_ text: String) { try? FileHandle.standardOutput.write(contentsOf: Data(text.utf8)) }

    /// Spaces cover what is left of a longer line before.
    private func padded(_ text: String) -> String {
        isTerminal ? text + String(repeating: " ", count: max(width - text.count, 0)) : text
    }

    static func duration(_ seconds: Double) -> String {
        let s = Int(seconds.rounded())
        if s < 60 { return "\(s) s" }
        if s < 3600 { return "\(s / 60) min \(s % 60) s" }
        return "\(s / 3600) h \(s / 60 % 60) min"
    }
}
