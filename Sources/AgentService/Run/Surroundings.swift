package import Federation
import Foundation
import Synchronization

/// What the loop of an agent shares with its pieces of work.
package final class Surroundings: Sendable {
    package let site: Site
    package let identity: SiteIdentity
    package let gate: EgressGate
    package let narrator: Narrator
    package let now: @Sendable () -> Timestamp
    private let settings: Mutex<AgentConfiguration>
    private let doing = Mutex<[String: Activity]>([:])
    private let plans = Mutex<[String: StudyPlan]>([:])

    package init(
        site: Site, identity: SiteIdentity, configuration: AgentConfiguration, narrator: Narrator,
        now: @escaping @Sendable () -> Timestamp = { Timestamp(Date()) }
    ) {
        self.site = site
        self.identity = identity
        self.narrator = narrator
        self.now = now
        settings = Mutex(configuration)
        gate = EgressGate(signingKey: identity.signingKey, log: EgressLog(site.folder.egressLog), now: now)
    }

    package var record: FederationRecord { identity.record }
    package var folder: StateFolder { site.folder }

    package var configuration: AgentConfiguration {
        get { settings.withLock { $0 } }
        set { settings.withLock { $0 = newValue } }
    }

    package var policy: Policy { Policy(configuration: configuration, site: record.site) }

    /// Whether the policy may speak for the admin: not while the coordinator shows another history.
    package func isAutomatic(_ approval: AgentConfiguration.Approval) -> Bool {
        approval == .automatic && site.memory.olderHistory == nil
    }

    /// What is told of a piece of work with the next poll.
    package func tell(_ id: String, _ activity: Activity?) { doing.withLock { $0[id] = activity } }

    /// At most one a study: the newest round's.
    package var activities: [Activity] {
        let all = doing.withLock { Array($0.values) }
        let newest = Dictionary(grouping: all, by: \.round.study).compactMapValues { activities in
            activities.max { ($0.round.round, $0.round.attempt, $0.done) < ($1.round.round, $1.round.attempt, $1.done) }
        }
        return newest.sorted { $0.key < $1.key }.prefix(64).map(\.value)
    }

    /// How far a piece of work is.
    package func activity(_ id: String) -> Activity? { doing.withLock { $0[id] } }

    /// The plan a study's documents are about, read once.
    package func plan(_ document: PlanDocument) throws(PlanError) -> StudyPlan {
        if let known = plans.withLock({ $0[document.digest] }) { return known }
        let plan = try StudyPlan.parse(document.text)
        plans.withLock { $0[document.digest] = plan }
        return plan
    }

    /// The plan of a digest, with its text, from the newest answer.
    package func plan(study: String) -> (plan: StudyPlan, document: PlanDocument)? {
        guard let offer = site.lastAnswer?.studies.first(where: { $0.name == study }),
            let document = try? offer.plan.verified(by: identity.coordinatorKey),
            let plan = try? plan(document)
        else { return nil }
        return (plan, document)
    }
}

/// Who writes what is sent: program and version.
package enum Software {
    package static let name = "consilium-agent/1"
}
