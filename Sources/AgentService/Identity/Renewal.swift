import Federation
package import Foundation
package import Identity

/// A certificate lives for days and is replaced by itself, with a fresh key, before it ends.
package struct Renewal: Sendable {
    let folder: StateFolder

    package init(folder: StateFolder) { self.folder = folder }

    /// When to ask for the next certificate: at two thirds of its life, ± 10 % of that, so that sites enrolled on one
    /// day do not all ask at one moment.
    /// - Parameter draw: 0…1.
    package static func due(from start: Date, until end: Date, draw: Double) -> Date {
        start.addingTimeInterval(end.timeIntervalSince(start) * 2 / 3 * (0.9 + 0.2 * min(max(draw, 0), 1)))
    }

    /// The certificate in use.
    package func current() throws -> Certificate {
        guard let pem = FileManager.default.contents(atPath: folder.tlsChain) else {
            throw AgentError(.identity, "\(folder.tlsChain) cannot be read; restore it, or enrol this site anew")
        }
        return try Certificate(pem: String(decoding: pem, as: UTF8.self))
    }

    /// Makes a fresh key, or takes the one of a try that was cut off, and lets it be certified.
    func renew(over link: any CoordinatorLink, root: String, gate: EgressGate) async throws {
        let key = try KeyPair.next(in: folder)
        let request = RenewalRequest(request: try CertificateRequest.make(key: key).pem)
        try gate.pass(request, as: .renewal)
        let answer = try await link.renew(request)
        try KeyPair.check(chain: answer.chain, key: key, root: try Certificate(pem: root))
        try KeyPair.exchange(chain: answer.chain, in: folder, stage: .renewal)
    }
}
