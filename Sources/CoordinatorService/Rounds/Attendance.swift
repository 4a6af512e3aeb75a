package import Federation
import Synchronization

/// When a site was last heard of, and what it said it was doing.
package struct SitePresence: Codable, Sendable, Equatable {
    package var seen: Timestamp
    package var software: String
    package var activities: [Activity]
}

/// What sites say of themselves when they ask for work: for people to look at; nothing is decided by it, and it is
/// forgotten at a stop.
final class Attendance: Sendable {
    private let sites = Mutex<[String: SitePresence]>([:])

    var all: [String: SitePresence] { sites.withLock { $0 } }

    func note(_ site: String, _ request: PollRequest, at now: Timestamp) {
        let presence = SitePresence(seen: now, software: request.software, activities: request.activities)
        sites.withLock { $0[site] = presence }
    }

    /// Notes any other request.
    func note(_ site: String, at now: Timestamp) {
        sites.withLock { $0[site]?.seen = now }
    }
}

extension Coordinator {
    /// By site: when it was last heard of and what it is doing, since the coordinator was started.
    package var presence: [String: SitePresence] { attendance.all }
}
