import Federation
import Foundation
import Identity

extension AddSite {
    package func carryOut(at desk: OperatorDesk) async throws -> Answer {
        guard Name.isValid(site) else {
            throw OperatorError("\(site) is not a site's name; use 1 to 63 of a-z, 0-9 and -")
        }
        if desk.coordinator.state.sites[site]?.standing == .active {
            throw OperatorError("\(site) is active already; revoke it first if it is to enrol anew")
        }
        guard let service = desk.service else { throw OperatorError("the coordinator does not serve") }
        let made = try await service.gate.whileOpen {
            try await desk.enrolment.issueCode(site: site, automatic: approvesOnMatch)
        }
        return Answer(code: made.code.text, expires: made.expires)
    }
}

extension ApproveSite {
    package func carryOut(at desk: OperatorDesk) async throws -> SiteRow {
        try await desk.coordinator.perform(.approveSite(site: site, publicKey: publicKey), by: "operator")
        guard let row = try await SiteRow.all(at: desk).first(where: { $0.name == site }) else {
            throw OperatorError("there is no site \(site); coordinator site list names them")
        }
        return row
    }
}

extension RevokeSite {
    package func carryOut(at desk: OperatorDesk) async throws -> Answer {
        guard let known = desk.coordinator.state.sites[site] else {
            throw OperatorError("there is no site \(site); coordinator site list names them")
        }
        let open = desk.connections(of: known)
        // Most urgent first: no later step, and no full disk, may keep this one waiting.
        desk.coordinator.shutOut(site: site)
        if known.standing == .active {
            try await desk.coordinator.perform(
                .revokeSite(site: site, reason: "revoked by the operator"), by: "operator")
        }
        if let request = known.request {
            try await desk.coordinator.perform(
                .refuseSite(site: site, publicKey: request.publicKey, reason: "refused by the operator"),
                by: "operator")
        }
        try await desk.enrolment.endCode(site: site)
        return Answer(cut: known.standing == .active ? open : 0)
    }
}

extension ListSites {
    package func carryOut(at desk: OperatorDesk) async throws -> [SiteRow] { try await SiteRow.all(at: desk) }
}

extension SiteRow {
    static func all(at desk: OperatorDesk) async throws -> [SiteRow] {
        let codes = Dictionary(uniqueKeysWithValues: try await desk.enrolment.codes().map { ($0.site, $0) })
        let presence = desk.coordinator.presence
        let now = Timestamp(Date())
        return desk.coordinator.state.sites.values.sorted { $0.name < $1.name }.map { site in
            let code = codes[site.name]
            let isOpen = code.map { $0.isOpen(at: now) } ?? false
            let standing: Standing =
                switch site.standing {
                case .invited: isOpen ? .invited : .lapsed
                case .requested: .pending
                case .active: .active
                case .revoked: isOpen ? .invited : .revoked
                }
            let key = site.standing == .requested ? site.request?.publicKey : site.publicKeys.last
            return SiteRow(
                name: site.name, standing: standing, publicKey: key, fingerprint: key.map(Fingerprint.words),
                codeExpires: isOpen ? code.map { Timestamp(milliseconds: $0.expires) } : nil,
                wrongTries: code?.tries, connections: desk.connections(of: site), seen: presence[site.name]?.seen,
                software: presence[site.name]?.software)
        }
    }
}
