import Foundation
import Transport

/// Concludes from evidence what is wrong with a site and what to do about it. A cause is named once: what depends on
/// something that failed is skipped, not failed.
package enum Doctor {
    package static func report(on evidence: DoctorEvidence) -> DoctorReport {
        DoctorReport(
            checks: [configuration(evidence), state(evidence)] + contact(evidence) + [transfer(evidence)]
                + machine(evidence) + [data(evidence)])
    }

    private static func configuration(_ evidence: DoctorEvidence) -> DoctorCheck {
        if let problem = evidence.configurationProblem {
            return DoctorCheck(.configuration, .failed, problem, remedy: "correct agent.yaml; GUIDE.md lists every key")
        }
        return DoctorCheck(.configuration, .ok, "the settings are readable")
    }

    private static func state(_ evidence: DoctorEvidence) -> DoctorCheck {
        if let first = evidence.exposed.first {
            let more = evidence.exposed.count > 1 ? " and \(evidence.exposed.count - 1) more" : ""
            return DoctorCheck(
                .state, .failed, "\(first)\(more) may be read by others than the agent's user",
                remedy:
                    "chmod 600 the files and 700 the folders named; if others had access, have this site revoked "
                    + "and enrol again"
            )
        }
        if let first = evidence.foreign.first {
            return DoctorCheck(
                .state, .failed, "\(first) belongs to another user than the one who runs this",
                remedy: "run agent as the user the site was enrolled by, or chown the state folder to this one")
        }
        if let problem = evidence.identityProblem {
            return DoctorCheck(
                .state, .failed, problem,
                remedy: "enrol this site with agent enroll and the code of the coordinator's operator")
        }
        return DoctorCheck(.state, .ok, "the site is enrolled and its keys are private")
    }

    // MARK: The way to the coordinator

    /// The stages of a connection, in order.
    private static let stages: [DoctorCheck.Subject] = [
        .name, .proxy, .reach, .interception, .server, .certificate, .clock, .service,
    ]

    private static func contact(_ evidence: DoctorEvidence) -> [DoctorCheck] {
        switch evidence.contact {
        case .untried:
            return stages.map { DoctorCheck($0, .skipped, "there is no coordinator to ask yet") }
        case .answered(let lead):
            return stages.map { passed($0, evidence, lead: lead) }
        case .failed(let error):
            let stage = stage(of: error.code)
            return stages.map { subject in
                if subject == stage {
                    return DoctorCheck(subject, .failed, error.description, remedy: remedy(error, evidence))
                }
                // A clock that is off shows in certificates; once it is named, they are not to blame.
                let isBefore = (stages.firstIndex(of: subject) ?? 0) < (stages.firstIndex(of: stage) ?? 0)
                let isProven = isBefore && !(stage == .clock && [.server, .certificate].contains(subject))
                // An own certificate that is over needs no server to be seen.
                if subject == .certificate, stage != .clock, let end = evidence.certificateEnd, end < evidence.now {
                    return passed(subject, evidence, lead: nil)
                }
                guard isProven else { return DoctorCheck(subject, .skipped, "not reached: \(stage.rawValue) failed") }
                return passed(subject, evidence, lead: nil)
            }
        }
    }

    private static func stage(of code: TransportError.Code) -> DoctorCheck.Subject {
        switch code {
        case .unknownName, .settings: .name
        case .proxyUnreachable, .proxyRefused: .proxy
        case .refused, .unreachable: .reach
        case .intercepted: .interception
        case .wrongHost, .serverCertificateExpired, .handshake: .server
        case .identityUnusable, .identityExpired, .identityRefused: .certificate
        case .clock: .clock
        case .cut, .stalled, .busy, .serverFull, .problem, .violation, .wrongDigest, .fileUnusable, .cancelled: .service
        }
    }

    private static func passed(_ subject: DoctorCheck.Subject, _ evidence: DoctorEvidence, lead: Double?) -> DoctorCheck
    {
        switch subject {
        case .name:
            DoctorCheck(.name, .ok, evidence.proxy == nil ? "\(evidence.address ?? "") is known" : "left to the proxy")
        case .proxy:
            DoctorCheck(.proxy, .ok, evidence.proxy.map { "\($0) leads there" } ?? "none; the connection is direct")
        case .reach: DoctorCheck(.reach, .ok, "\(evidence.address ?? "") answers")
        case .interception: DoctorCheck(.interception, .ok, "the chain ends in the federation's own root")
        case .server: DoctorCheck(.server, .ok, "it is valid and for this address")
        case .certificate: certificate(evidence)
        case .clock: clock(lead)
        default: DoctorCheck(.service, .ok, "the coordinator knows this site and answers it")
        }
    }

    private static func certificate(_ evidence: DoctorEvidence) -> DoctorCheck {
        guard let end = evidence.certificateEnd else { return DoctorCheck(.certificate, .ok, "it is accepted") }
        let hours = Int(end.timeIntervalSince(evidence.now) / 3600)
        if hours < 0 {
            return DoctorCheck(
                .certificate, .failed, "this site's certificate expired \(-hours) h ago",
                remedy: "enrol this site again")
        }
        if hours < 24 {
            return DoctorCheck(
                .certificate, .warning, "this site's certificate ends in \(hours) h and has not been renewed",
                remedy: "keep agent run running: it renews by itself")
        }
        return DoctorCheck(.certificate, .ok, "it is valid for \(hours / 24) more days and renews by itself")
    }

    private static func clock(_ lead: Double?) -> DoctorCheck {
        guard let lead else { return DoctorCheck(.clock, .ok, "certificates hold by this machine's clock") }
        let seconds = Int(abs(lead).rounded())
        if abs(lead) > 60 {
            return DoctorCheck(
                .clock, .warning,
                "this machine's clock is \(seconds) s \(lead < 0 ? "behind" : "ahead of") the coordinator's",
                remedy: "let it be set by NTP: timedatectl set-ntp true")
        }
        return DoctorCheck(.clock, .ok, "it agrees with the coordinator's within \(max(1, seconds)) s")
    }

    private static func remedy(_ error: TransportError, _ evidence: DoctorEvidence) -> String {
        switch error.code {
        case .unknownName:
            "check the address in agent.yaml and this machine's DNS; behind a proxy, set proxy in agent.yaml"
        case .proxyUnreachable, .proxyRefused: "set proxy in agent.yaml as the network's administrators say"
        case .refused, .unreachable:
            evidence.proxy == nil
                ? "have outgoing TCP to \(evidence.address ?? "the coordinator") allowed, or set proxy in agent.yaml"
                : "ask the network's administrators"
        case .intercepted:
            "have \(evidence.address ?? "the coordinator") exempted from TLS inspection; nothing was sent"
        case .wrongHost, .serverCertificateExpired, .handshake: "tell the coordinator's operator"
        case .identityUnusable, .identityExpired, .identityRefused: "ask the coordinator's operator, then enrol again"
        case .clock: "let the clock be set by NTP: timedatectl set-ntp true"
        case .serverFull, .busy: "the coordinator's operator must look; the agent goes on by itself"
        default: "try again; if it stays so, give this line to the coordinator's operator"
        }
    }

    private static func transfer(_ evidence: DoctorEvidence) -> DoctorCheck {
        switch evidence.transfer {
        case .untried: return DoctorCheck(.transfer, .skipped, "not tried without a working connection")
        case .failed(let error):
            return DoctorCheck(
                .transfer, .failed, error.description,
                remedy:
                    "large transfers do not pass: ask the network's administrators for size limits and timeouts on "
                    + "the way"
            )
        case .measured(let up, let down):
            let rates = "16 MiB each way: \(rate(up)) up, \(rate(down)) down"
            // A model of 2 GB takes more than a working day below this.
            guard min(up, down) >= 64_000 else {
                return DoctorCheck(
                    .transfer, .warning, rates, remedy: "ask for a faster line, or choose studies with small models")
            }
            return DoctorCheck(.transfer, .ok, rates)
        }
    }

    private static func rate(_ bytes: Double) -> String {
        let megabits = bytes * 8 / 1e6
        return megabits >= 10 ? "\(Int(megabits)) Mbit/s" : "\((megabits * 10).rounded() / 10) Mbit/s"
    }
}
