import CCurl
import COpenSSL
import Foundation
import Glibc

/// Puts in plain words how a request failed.
struct Diagnosis {
    /// `host:port`, or the socket's path.
    var place: String
    /// Without user and password; nil: direct.
    var proxy: String?
    /// When our own certificate ends; nil without one.
    var ownEnd: Date?
    var now: Date
    /// By how many seconds this machine's clock is ahead of the server's, when that could be asked.
    var clockLead: Double?

    /// Seconds that two clocks may differ without a word about it.
    static let clockTolerance = 300.0

    func error(_ outcome: CurlTransfer.Outcome) -> TransportError {
        if outcome.isStalled {
            return TransportError(
                .stalled, "nothing moved between here and \(place) for too long; the line is taken for cut")
        }
        if let refusal = proxyRefusal(outcome) { return refusal }
        switch outcome.code {
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR:
            if let findings = outcome.findings { return error(findings) }
            return alert(outcome) ?? handshake(outcome)
        case CURLE_COULDNT_RESOLVE_HOST:
            return TransportError(
                .unknownName,
                "the name of \(place) cannot be resolved; check the address and this machine's DNS (/etc/resolv.conf)")
        case CURLE_COULDNT_RESOLVE_PROXY:
            return TransportError(
                .proxyUnreachable,
                "the name of the proxy \(proxy ?? "") cannot be resolved; check the proxy's address")
        case CURLE_COULDNT_CONNECT, CURLE_PROXY: return unconnected(outcome)
        case CURLE_OPERATION_TIMEDOUT: return unanswered(outcome)
        case CURLE_SSL_CERTPROBLEM:
            return TransportError(
                .identityUnusable,
                "this site's certificate and key cannot be used together; enrol this site again or restore both files")
        case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL, CURLE_HTTP2:
            return TransportError(.violation, "what answers at \(place) does not speak our protocol; check the address")
        case CURLE_URL_MALFORMAT:
            return TransportError(.settings, "\(place) is not an address; give host:port")
        case CURLE_OUT_OF_MEMORY: return TransportError(.busy, "this machine has no memory left for the transfer")
        default: return alert(outcome) ?? cut()
        }
    }

    private func cut() -> TransportError {
        TransportError(.cut, "the line to \(place) was cut\(proxy.map { ", or the proxy at \($0) closed it" } ?? "")")
    }

    // MARK: The way there

    private func proxyRefusal(_ outcome: CurlTransfer.Outcome) -> TransportError? {
        guard let proxy, outcome.proxyStatus >= 300 else { return nil }
        let start = "the proxy at \(proxy) answers \(outcome.proxyStatus): "
        switch outcome.proxyStatus {
        case 407:
            return TransportError(
                .proxyRefused, start + "it wants a user and password: set proxy to http://user:password@\(proxy)")
        case 502...504:
            return TransportError(.unreachable, start + "it cannot reach \(place); check the address")
        default:
            return TransportError(
                .proxyRefused, start + "no tunnel to \(place); ask the network's administrators to allow CONNECT to it")
        }
    }

    private func unconnected(_ outcome: CurlTransfer.Outcome) -> TransportError {
        if let proxy {
            return TransportError(
                .proxyUnreachable,
                "the proxy at \(proxy) cannot be reached (\(reason(outcome))); check its address or set proxy to none")
        }
        switch Int32(outcome.systemError) {
        case ECONNREFUSED, ENOENT:
            return TransportError(.refused, "nothing listens at \(place); check the address and that the server runs")
        case EACCES, EPERM:
            return TransportError(
                .refused, "connecting to \(place) is not permitted on this machine; check its firewall and permissions")
        default:
            return TransportError(
                .unreachable,
                "\(place) cannot be reached (\(reason(outcome))); check the network, the firewall or the proxy setting")
        }
    }

    private func reason(_ outcome: CurlTransfer.Outcome) -> String {
        outcome.systemError == 0 ? "no answer" : String(cString: strerror(Int32(outcome.systemError))).lowercased()
    }

    private func unanswered(_ outcome: CurlTransfer.Outcome) -> TransportError {
        if outcome.wasConnected { return cut() }
        // The name was found, so that connecting, the proxy or the handshake took too long.
        if outcome.text.lowercased().contains("resolving") {
            return TransportError(
                .unknownName, "resolving the name of \(place) takes too long; check this machine's DNS")
        }
        guard let proxy, outcome.proxyStatus == 0 else {
            return TransportError(
                .unreachable,
                "\(place) does not answer; a firewall may drop the connection: check the network and the proxy setting")
        }
        return TransportError(
            .proxyUnreachable, "the proxy at \(proxy) does not answer; check its address or set proxy to none")
    }

    // MARK: Who is there

    private func error(_ findings: ServerFindings) -> TransportError {
        switch findings.error {
        case X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED: return outOfTime(findings)
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            let names = findings.names.isEmpty ? "no host at all" : findings.names.prefix(4).joined(separator: ", ")
            return TransportError(
                .wrongHost,
                "the certificate at \(place) is for \(names); use that address, or have the server's certificate "
                    + "renewed for this one"
            )
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_SIGNATURE_FAILURE:
            return TransportError(
                .intercepted,
                "the certificate at \(place) was issued by \"\(findings.issuer)\", not by this federation: the "
                    + "connection is inspected on its way, or it is another server; ask the network's "
                    + "administrators to exempt \(place) from TLS inspection"
            )
        default:
            let why = String(cString: X509_verify_cert_error_string(Int(findings.error)))
            return TransportError(
                .handshake,
                "the certificate at \(place) is not acceptable (\(why)); have it issued again by the federation")
        }
    }

    private func outOfTime(_ findings: ServerFindings) -> TransportError {
        if let clockLead, abs(clockLead) > Self.clockTolerance,
            (findings.notBefore...findings.notAfter).contains(now.addingTimeInterval(-clockLead))
        {
            return Self.clock(lead: clockLead)
        }
        if findings.error == X509_V_ERR_CERT_NOT_YET_VALID {
            let least = findings.notBefore.timeIntervalSince(now)
            if clockLead != nil {
                return TransportError(
                    .handshake,
                    "the certificate at \(place) begins in \(Self.span(least)): a clock was wrong when it was "
                        + "issued; the coordinator's operator must renew it"
                )
            }
            return TransportError(
                .clock,
                "this machine's clock is at least \(Self.span(least)) behind: by it the certificate at \(place) is "
                    + "not valid yet; set the clock (timedatectl set-ntp true)"
            )
        }
        let doubt = clockLead == nil ? ", if this machine's clock is right" : ""
        return TransportError(
            .serverCertificateExpired,
            "the certificate at \(place) expired \(Self.span(now.timeIntervalSince(findings.notAfter))) "
                + "ago\(doubt); the coordinator's operator must renew it"
        )
    }

    /// - Parameter lead: seconds by which this machine's clock is ahead.
    static func clock(lead: Double) -> TransportError {
        TransportError(
            .clock,
            "this machine's clock is \(span(abs(lead))) \(lead < 0 ? "behind" : "ahead") of the coordinator's; set "
                + "the clock (timedatectl set-ntp true)"
        )
    }

    /// A length of time as people say it: `3 h`, `40 min`, `12 days`.
    static func span(_ seconds: Double) -> String {
        switch seconds {
        case ..<120: "\(Int(max(0, seconds))) s"
        case ..<7_200: "\(Int((seconds / 60).rounded())) min"
        case ..<172_800: "\(Int((seconds / 3_600).rounded())) h"
        default: "\(Int((min(seconds, 1e10) / 86_400).rounded())) days"
        }
    }

    // MARK: What the server says in the handshake, or (TLS 1.3) on the first read after it

    private func alert(_ outcome: CurlTransfer.Outcome) -> TransportError? {
        // OpenSSL 3 writes library 20 (SSL) and 1000 + the alert of RFC 8446, 6: error:0A000416.
        guard let start = outcome.text.firstRange(of: "error:0A")?.upperBound,
            let reason = Int(outcome.text[start...].prefix(6), radix: 16), (1000..<1256).contains(reason)
        else { return nil }
        switch reason - 1000 {
        case 45: return ownTime()
        case 42, 43, 44, 46, 48, 49, 51:
            if let ownEnd, ownEnd < now { return ownTime() }
            return TransportError(
                .identityRefused,
                "the server at \(place) does not accept this site's certificate: it is revoked or unknown there; "
                    + "ask the coordinator's operator, or enrol again"
            )
        case 116:
            return TransportError(
                .identityRefused,
                "the server at \(place) wants a certificate and this side has none; enrol this site first")
        case 112, 120:
            return TransportError(.violation, "what answers at \(place) is not the listener for this; check the port")
        default:
            return TransportError(
                .handshake,
                "the server at \(place) ended the TLS handshake with alert \(reason - 1000); compare the versions "
                    + "of both sides"
            )
        }
    }

    private func ownTime() -> TransportError {
        guard let ownEnd, ownEnd > now else {
            let ago = ownEnd.map { " \(Self.span(now.timeIntervalSince($0))) ago" } ?? ""
            return TransportError(.identityExpired, "this site's certificate expired\(ago); enrol this site again")
        }
        return TransportError(
            .clock,
            "the server at \(place) says that this site's certificate has expired, by this machine's clock it has "
                + "not: the clock is behind; set it (timedatectl set-ntp true)"
        )
    }

    private func handshake(_ outcome: CurlTransfer.Outcome) -> TransportError {
        let text = outcome.text.lowercased()
        if text.contains("wrong version number") || text.contains("unsupported protocol")
            || text.contains("packet length")
        {
            return TransportError(
                .handshake,
                "what answers at \(place) does not speak TLS 1.3; check the port, and whether a device on the way "
                    + "interferes"
            )
        }
        return TransportError(
            .cut,
            "the line to \(place) was cut during the TLS handshake; if it stays so, a firewall on the way forbids it")
    }
}
