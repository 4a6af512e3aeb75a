package import Federation
import Foundation
import GRDB
package import Identity
import Synchronization

/// Where sites get their certificates: at first by a code and an operator's approval, later by the key they have.
package final class EnrolmentDesk: Sendable {
    /// Where agents connect and where they enrol, as codes and answers name it; the ports are known once bound.
    package struct Addresses: Sendable, Equatable {
        package var agents: CoordinatorConfiguration.Endpoint
        package var enrolment: CoordinatorConfiguration.Endpoint
    }

    private let coordinator: Coordinator
    private let authority: Authority
    private let configuration: CoordinatorConfiguration
    private let addresses: Mutex<Addresses>
    /// Rises when a code may have come or gone.
    let changes = Changes()

    package init(coordinator: Coordinator, authority: Authority, configuration: CoordinatorConfiguration) {
        self.coordinator = coordinator
        self.authority = authority
        self.configuration = configuration
        addresses = Mutex(Addresses(agents: configuration.address, enrolment: configuration.enrolmentAddress))
    }

    package var currentAddresses: Addresses { addresses.withLock { $0 } }

    /// Keeps the ports that were bound where the configuration left them to the system.
    func bound(agents: Int? = nil, enrolment: Int? = nil) {
        addresses.withLock { addresses in
            if let agents, configuration.address.port == 0 { addresses.agents.port = agents }
            if let enrolment, configuration.enrolmentAddress.port == 0 { addresses.enrolment.port = enrolment }
        }
    }

    // MARK: Codes

    /// Makes a code; an older one of the site ends.
    /// - Parameter automatic: whether the key that comes with it is approved without asking.
    package func issueCode(site: String, automatic: Bool) async throws -> (code: EnrolmentCode, expires: Timestamp) {
        let address = currentAddresses.enrolment
        let code = try EnrolmentCode(
            site: site, host: address.host, port: address.port, rootKey: authority.root.spki)
        let expires = Timestamp(Date()).advanced(seconds: Double(configuration.codeLifetime))
        let record = EnrolmentCodeRecord(
            site: site, secret: Hexadecimal.encode(code.confirmationKey), expires: expires, automatic: automatic)
        try await coordinator.perform(.issueCode(site: site, expires: expires), by: "operator") { db in
            try record.insert(db, onConflict: .replace)
        }
        changes.announce()
        return (code, expires)
    }

    /// Ends a site's code.
    package func endCode(site: String) async throws {
        try await coordinator.store.removeCode(of: site)
        changes.announce()
    }

    package func codes() async throws -> [EnrolmentCodeRecord] {
        try await coordinator.store.codes()
    }

    /// Whether somebody may still enrol, or fetch what an approval gave: a code that is neither burned nor over.
    package func hasOpenCode(at now: Timestamp = Timestamp(Date())) async throws -> Bool {
        try await codes().contains { $0.isOpen(at: now) }
    }

    /// Ends the codes of sites that have connected with what their code gave them.
    func endUsedCodes() async throws {
        let (state, presence) = (coordinator.state, coordinator.presence)
        for code in try await codes() {
            guard let site = state.sites[code.site], site.standing == .active, let approved = site.approved,
                let seen = presence[code.site]?.seen, seen > approved
            else { continue }
            try await coordinator.store.removeCode(of: code.site)
        }
    }

    // MARK: Requests

    /// Answers a site that asks to be let in. Asked again by the same key it says how things stand.
    /// - Parameter exporter: of the connection the request came over.
    /// - Throws: each way of being wrong by its own code.
    package func answer(
        _ request: EnrolmentRequest, exporter: [UInt8], now: Timestamp = Timestamp(Date())
    ) async throws -> EnrolmentAnswer {
        guard Name.isValid(request.site), exporter.count == 32 else {
            throw Problem(.malformed, "the request names no site; use the code as it was printed")
        }
        let asked: CertificateRequest
        let signingKey: VerifyingKey
        do {
            asked = try CertificateRequest(pem: request.request)
            signingKey = try VerifyingKey(hex: request.signingKey)
        } catch {
            throw Problem(.malformed, "\(error); run the enrolment again with a current agent")
        }
        let record = try await confirmed(request, key: asked.spki, signingKey: signingKey, exporter: exporter, now: now)
        return try await standing(of: record, asked: asked, signingKey: signingKey)
    }

    private func confirmed(
        _ request: EnrolmentRequest, key: String, signingKey: VerifyingKey, exporter: [UInt8], now: Timestamp
    ) async throws -> EnrolmentCodeRecord {
        let outcome = try await coordinator.store.transaction {
            db -> (record: EnrolmentCodeRecord?, problem: Problem?) in
            guard var record = try EnrolmentCodeRecord.fetchOne(db, key: request.site) else {
                let message = "no code is outstanding for \(request.site); ask the operator for one"
                return (nil, Problem(.noCode, message))
            }
            switch record.judge(request, key: key, signingKey: signingKey, exporter: exporter, now: now) {
            case .confirmed: return (record, nil)
            case .refused(let problem): return (nil, problem)
            case .wrong(let tries):
                record.tries = tries
                try record.update(db)
                let left = EnrolmentCodeRecord.triesAllowed - tries
                if left == 0 { return (record, EnrolmentCodeRecord.burned(record.site)) }
                let message =
                    "the code does not belong to \(record.site) and this key; copy it again (\(left) tries are left)"
                return (nil, Problem(.wrongCode, message))
            }
        }
        if let problem = outcome.problem {
            if let burned = outcome.record {
                let reason = "\(EnrolmentCodeRecord.triesAllowed) wrong tries"
                _ = try? await coordinator.perform(.burnCode(site: burned.site, reason: reason), by: nil)
                changes.announce()
            }
            throw problem
        }
        guard let record = outcome.record else { throw Problem(.internalError, "the code was lost; try again") }
        return record
    }

    private func standing(
        of code: EnrolmentCodeRecord, asked: CertificateRequest, signingKey: VerifyingKey
    ) async throws -> EnrolmentAnswer {
        let key = asked.spki
        let used = Problem(
            .codeUsed, "the code of \(code.site) was used by another key already; ask the operator for a new one")
        if let other = coordinator.state.sites[code.site]?.request, other.publicKey != key { throw used }
        if !isAdmitted(key, site: code.site) {
            if coordinator.state.sites[code.site]?.standing == .active { throw used }
            try await coordinator.perform(
                .requestEnrolment(site: code.site, publicKey: key, signingKey: signingKey.hex), by: code.site)
            if code.automatic {
                try await coordinator.perform(.approveSite(site: code.site, publicKey: key), by: "operator")
            }
        }
        let fingerprint = Fingerprint.words(of: key)
        guard isAdmitted(key, site: code.site) else {
            return EnrolmentAnswer(state: .pending, fingerprint: fingerprint)
        }
        let state = coordinator.state
        return EnrolmentAnswer(
            state: .approved, fingerprint: fingerprint, chain: try issue(asked, site: code.site),
            root: authority.root.pem, federation: state.name, address: currentAddresses.agents.description,
            coordinatorKey: state.coordinatorKey)
    }

    private func isAdmitted(_ key: String, site: String) -> Bool { coordinator.site(publicKey: key) == site }

    // MARK: Certificates

    /// A certificate for a site's fresh key; the connection it asks over has proved the older one.
    ///
    /// The older key stays good until the next renewal: nothing under way is cut.
    package func renew(_ request: RenewalRequest, site: String) async throws(Problem) -> RenewalAnswer {
        let asked: CertificateRequest
        do { asked = try CertificateRequest(pem: request.request) } catch {
            throw Problem(.malformed, "\(error); run a current agent")
        }
        try await coordinator.perform(.renewKey(site: site, publicKey: asked.spki), by: site)
        do { return RenewalAnswer(chain: try issue(asked, site: site)) } catch {
            throw Problem(.internalError, "The certificate could not be issued (\(error)); ask the operator.")
        }
    }

    private func issue(_ request: CertificateRequest, site: String) throws -> String {
        try authority.issue(
            request, uri: SubjectName.site(site, of: coordinator.state.name ?? ""), usage: .site,
            lifetime: configuration.siteLifetime)
    }
}
