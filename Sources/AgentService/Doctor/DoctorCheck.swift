/// One thing the doctor looked at.
package struct DoctorCheck: Sendable, Codable, Equatable {
    package enum Subject: String, Sendable, Codable, CaseIterable {
        case configuration
        /// The state folder, its keys and who may read them.
        case state
        case name = "name resolution"
        case proxy
        case reach
        /// Whether it is the federation's server that answers, uninspected.
        case interception = "TLS inspection"
        case server = "server's certificate"
        case certificate = "site's certificate"
        case clock, service, transfer, disk, memory, processor, sandbox, data
    }

    package enum Verdict: String, Sendable, Codable {
        case ok, warning, failed
        /// It could not be looked at, since something it depends on failed.
        case skipped
    }

    package var subject: Subject
    package var verdict: Verdict
    /// What was found, in one sentence.
    package var finding: String
    /// What to do about it; empty when nothing is.
    package var remedy: String

    package init(_ subject: Subject, _ verdict: Verdict, _ finding: String, remedy: String = "") {
        self.subject = subject
        self.verdict = verdict
        self.finding = finding
        self.remedy = remedy
    }
}

/// What the doctor has to say, in the order in which things depend on each other.
package struct DoctorReport: Sendable, Codable, Equatable {
    package var checks: [DoctorCheck]

    package init(checks: [DoctorCheck]) { self.checks = checks }

    package var isHealthy: Bool { !checks.contains { $0.verdict == .failed } }

    /// One line a check, its remedy below it.
    package var text: String {
        var lines: [String] = []
        for check in checks {
            let name = check.subject.rawValue
            let mark =
                switch check.verdict {
                case .ok: "ok     "
                case .warning: "warning"
                case .failed: "FAILED "
                case .skipped: "skipped"
                }
            lines.append("\(mark)  \(name)\(String(repeating: " ", count: max(0, 22 - name.count)))\(check.finding)")
            if !check.remedy.isEmpty { lines.append(String(repeating: " ", count: 31) + "-> " + check.remedy) }
        }
        let failed = checks.count { $0.verdict == .failed }
        let warned = checks.count { $0.verdict == .warning }
        lines.append(
            failed == 0
                ? "This site can take part\(warned > 0 ? "; warnings: \(warned)" : "")."
                : "This site cannot take part yet; failed: \(failed).")
        return lines.joined(separator: "\n")
    }
}
