/// All that the coordinator knows: the reduction of its transcript.
///
/// ```swift
/// let (events, next) = try state.decided(command, at: now)
/// // the events become rows in one transaction; when it is durable:
/// state = next
/// ```
package struct FederationState: Sendable, Equatable {
    /// Nil until the federation is created.
    package internal(set) var name: String?
    /// Signs assignments, receipts and cards.
    package internal(set) var coordinatorKey: String?
    /// SHA-256 of the root certificate's SPKI.
    package internal(set) var rootKey: String?
    package internal(set) var sites: [String: Site] = [:]
    package internal(set) var studies: [String: Study] = [:]
    package internal(set) var releases: [String: Release] = [:]
    package internal(set) var restores: [Restore] = []
    /// When the last thing happened.
    var latest: Timestamp?
    /// TLS keys that are let in, and whose they are.
    var allowed: [String: String] = [:]
    /// TLS keys that were in force when their site was revoked: never let in again.
    var revokedKeys: Set<String> = []

    package init() {}
}

/// A backup that was put in place of what came after it.
package struct Restore: Sendable, Equatable {
    /// The backup's end.
    package var head: TranscriptHead
    /// What happened between these two is lost.
    package var since: Timestamp
    package var until: Timestamp
}

/// A model given out of a study.
package struct Release: Sendable, Equatable {
    package var study: String
    package var card: Signed<ReleaseCard>
    package var body: ReleaseCard
    /// Whether sites were ever told of it.
    package var wasPromoted: Bool
}
