/// Why a study may be done, by whom, and until when.
package struct Governance: Codable, Sendable, Equatable {
    /// What the plan says of where the data come from.
    package enum DataOrigin: String, Codable, Sendable, CaseIterable {
        case synthetic
        case `public`
        /// Patients' data under an agreement or approval, referred to for each site.
        case agreement
    }

    package var purpose: String
    /// Bodies that decide on purpose and means.
    package var controllers: [String]
    /// Approval or contract reference of each site. When there are any, only these sites are invited.
    package var approvals: [String: String]
    /// How long what comes of the study is kept, in words.
    package var retention: String
    /// The first day, `2027-12-31`, on which no round is opened and no site takes part any more; nil for none.
    package var expiry: String?
    /// Who may release a model, in words.
    package var releaseRights: String
    package var data: DataOrigin
    /// That the sites know single updates are visible to the coordinator.
    package var openModeAgreed: Bool

    package init(purpose: String, data: DataOrigin) {
        self.purpose = purpose
        self.data = data
        controllers = []
        approvals = [:]
        retention = ""
        releaseRights = ""
        openModeAgreed = false
    }

    /// Whether a site is asked to take part.
    package func invites(_ site: String) -> Bool { approvals.isEmpty || approvals[site] != nil }

    /// Whether the study is over on a day.
    /// - Parameter now: the wall clock.
    package func hasExpired(at now: Timestamp) -> Bool {
        guard let expiry else { return false }
        return now.description.prefix(10) >= expiry[...]
    }
}
