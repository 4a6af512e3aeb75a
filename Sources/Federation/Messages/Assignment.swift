/// Work for a site, signed by the coordinator.
package struct Assignment: Message {
    package static let domain = "consilium/1 assignment"

    package enum Kind: String, Codable, Sendable {
        /// Train from `base`, submit an update.
        case train
        /// Evaluate `base` and `candidate` on the site's select cases, submit a report.
        case evaluate
        /// Submit a made update of the real size; no data is touched.
        case rehearse
    }

    package var federation: String
    package var site: String
    package var kind: Kind
    package var round: RoundReference
    /// Digest of the plan's text.
    package var plan: String
    /// The model to begin from, or the one in force.
    package var base: ObjectReference
    /// The model to be judged; only for `evaluate`.
    package var candidate: ObjectReference?
    /// Optimiser steps of the study before this round, at each site.
    package var globalStep: Int
    package var issued: Timestamp

    package init(
        federation: String, site: String, kind: Kind, round: RoundReference, plan: String, base: ObjectReference,
        candidate: ObjectReference? = nil, globalStep: Int, issued: Timestamp
    ) {
        self.federation = federation
        self.site = site
        self.kind = kind
        self.round = round
        self.plan = plan
        self.base = base
        self.candidate = candidate
        self.globalStep = globalStep
        self.issued = issued
    }
}
