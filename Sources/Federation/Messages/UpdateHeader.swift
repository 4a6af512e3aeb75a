/// What a site says of its update, signed by the site; the update itself is a safetensors file of the delta.
package struct UpdateHeader: Message {
    package static let domain = "consilium/1 update"

    package var federation: String
    package var site: String
    package var round: RoundReference
    package var plan: String
    /// Digest of the model it was trained from.
    package var base: String
    /// The safetensors file of the delta.
    package var update: ObjectReference
    package var encoding: UpdateEncoding
    /// Training cases behind it, 1 or more: its weight before the plan's cap.
    package var samples: Int
    /// Optimiser steps taken.
    package var steps: Int
    /// Mean training loss of the last epoch or of the last hundred steps; absent below the minimum cohort.
    package var loss: Double?
    /// Contrasts of the plan that fewer training cases have than an update needs; absent for none.
    package var lacking: [String]?
    /// Program and version, mathematics library and precision: what is needed to repeat it.
    package var software: String

    package init(
        federation: String, site: String, round: RoundReference, plan: String, base: String, update: ObjectReference,
        encoding: UpdateEncoding, samples: Int, steps: Int, loss: Double?, lacking: [String]? = nil, software: String
    ) {
        self.federation = federation
        self.site = site
        self.round = round
        self.plan = plan
        self.base = base
        self.update = update
        self.encoding = encoding
        self.samples = samples
        self.steps = steps
        self.loss = loss
        self.lacking = lacking
        self.software = software
    }
}

/// How the numbers of a delta are stored.
package enum UpdateEncoding: String, Codable, Sendable, CaseIterable {
    case f32, bf16
}

/// The coordinator's word that an update is durable there, and verified for all that can be seen of it alone.
package struct Receipt: Message {
    package static let domain = "consilium/1 receipt"

    package var federation: String
    package var site: String
    package var round: RoundReference
    package var update: ObjectReference
    /// L2 norm of the whole delta.
    package var norm: Double
    package var received: Timestamp

    package init(
        federation: String, site: String, round: RoundReference, update: ObjectReference, norm: Double,
        received: Timestamp
    ) {
        self.federation = federation
        self.site = site
        self.round = round
        self.update = update
        self.norm = norm
        self.received = received
    }
}

/// What became of an update at the fold, when all could be compared.
package struct Verdict: Message {
    package static let domain = "consilium/1 verdict"

    package enum Outcome: String, Codable, Sendable { case accepted, clipped, rejected, late, deleted }

    package var site: String
    package var round: RoundReference
    package var update: String
    package var outcome: Outcome
    /// What the delta was multiplied by; 1 unless clipped.
    package var factor: Double
    /// One sentence.
    package var reason: String

    package init(
        site: String, round: RoundReference, update: String, outcome: Outcome, factor: Double = 1, reason: String
    ) {
        self.site = site
        self.round = round
        self.update = update
        self.outcome = outcome
        self.factor = factor
        self.reason = reason
    }
}
