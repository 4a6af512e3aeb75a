package import Federation
import Foundation
import GRDB
package import Identity
package import Logging
import Synchronization
package import Transport

/// The coordinator of a federation: its state, how it changes, and what is done because of it.
///
/// The state is what the transcript says. A command is decided, its events become rows of the transcript and the state
/// becomes the next one, all in one turn of one line; who is interested is told, and looks again. Whatever must be done
/// is read off the state, so that after a stop at any instruction it is simply seen again.
///
/// ```swift
/// let coordinator = try await Coordinator(folder: folder, signingKey: key, means: means, logger: logger)
/// try await coordinator.perform(.startStudy(study: "glioma"), by: "operator")
/// try await coordinator.run()  // until cancelled
/// ```
package final class Coordinator: Sendable {
    struct Current: Sendable {
        var state = FederationState()
        var head = Transcript.beginning
    }

    package let store: Store
    package let changes = Changes()
    package let signer: Signer
    let means: CoordinatorMeans
    let logger: Logger
    let current = Mutex(Current())
    let uploads = UploadDesk()
    let attendance = Attendance()
    let busy = Mutex<Set<String>>([])
    /// Keys an operator has shut out, whatever becomes of the record of it.
    private let shutOut = Mutex<Set<String>>([])

    /// Whether questions for work are answered at once.
    private let isEnding = Atomic(false)

    /// Opens the state folder and takes the history in.
    ///
    /// - Parameters:
    ///   - signingKey: signs plans, assignments, receipts and verdicts.
    ///   - reserve: bytes of disk kept back for the record.
    /// - Throws: ``StoreError``; `TranscriptError` naming the first row that does not add up.
    package init(
        folder: StateFolder, signingKey: SigningKey, means: CoordinatorMeans, logger: Logger, reserve: Int = 64 << 20
    ) async throws {
        store = try Store(folder, reserve: reserve)
        signer = Signer(signingKey)
        self.means = means
        self.logger = logger
        let (state, head) = try await store.replay()
        current.withLock { $0 = Current(state: state, head: head) }
        let leaving = Set(
            state.pendingWork.flatMap { work -> [String] in if case .delete(let work) = work { work.files } else { [] }
            })
        let lost = try await store.reconcile(at: means.now()) { state.refers(to: $0) && !leaving.contains($0) }
        for digest in lost {
            logger.error("Object \(digest) is missing or has not its size; restore it from a backup.")
        }
        // What follows from the state by itself, in a state that an older program may have left.
        if state.name != nil { _ = try await perform(.settle) }
    }

    /// Answers the questions that wait, and those to come at once: the service ends.
    package func endWaiting() {
        isEnding.store(true, ordering: .sequentiallyConsistent)
        changes.announce()
    }

    /// Whether a question may wait.
    var mayWait: Bool { !isEnding.load(ordering: .sequentiallyConsistent) }

    /// All that the coordinator knows, as it is now.
    package var state: FederationState { current.withLock { $0.state } }
    /// The end of the transcript.
    package var head: TranscriptHead { current.withLock { $0.head } }

    /// Does what a command wants, if the state allows.
    ///
    /// - Parameter actor: who wants it: an operator's or a site's name; nil for the service itself.
    /// - Returns: what happened, durable by now; nothing when it was so already.
    /// - Throws: why not.
    @discardableResult
    package func perform(_ command: Command, by actor: String? = nil) async throws(Problem) -> [Event] {
        try await perform(command, by: actor) { _ in }
    }

    /// - Parameter effects: changes of the small tables that belong to it, in the same transaction.
    @discardableResult
    func perform(
        _ command: Command, by actor: String? = nil, alongside effects: @escaping @Sendable (Database) throws -> Void
    ) async throws(Problem) -> [Event] {
        do {
            let decision = try await store.transaction { db in
                let current = self.current.withLock { $0 }
                let now = self.means.now()
                let (events, state) = try current.state.decided(command, at: now)
                var head = current.head
                for event in events {
                    let row = try TranscriptRow(after: head, time: now, event: event, actor: actor)
                    try row.insert(in: db)
                    head = row.head
                }
                try effects(db)
                return Decision(events: events, former: current.state, next: Current(state: state, head: head))
            } committed: { decision in
                guard !decision.events.isEmpty else { return }
                self.current.withLock { $0 = decision.next }
                self.cutOff(decision)
                self.changes.announce()
            }
            return decision.events
        } catch {
            throw problem(error)
        }
    }

    private struct Decision: Sendable {
        var events: [Event]
        var former: FederationState
        var next: Current
    }

    /// The site with a TLS key, if it is let in.
    package func site(publicKey: String) -> String? {
        shutOut.withLock { $0.contains(publicKey) } ? nil : state.site(publicKey: publicKey)
    }

    /// Lets in a site's key that was renewed in the time a restored backup does not know of.
    /// - Returns: the site; nil when the key is not such a one.
    package func letBackIn(_ peer: PeerIdentity) async -> String? {
        let state = state
        guard !state.restores.isEmpty, !shutOut.withLock({ $0.contains(peer.publicKey) }) else { return nil }
        let issued = Timestamp(peer.notBefore.addingTimeInterval(Authority.head))
        for name in state.sites.keys
        where peer.uris == [SubjectName.site(name, of: state.name ?? "")]
            && state.mayHaveRenewed(name, publicKey: peer.publicKey, issued: issued)
        {
            guard (try? await perform(.renewKey(site: name, publicKey: peer.publicKey), by: name)) != nil else {
                return nil
            }
            return name
        }
        return nil
    }

    /// Lets a site's keys in no more, from this moment and until the process ends: before it is recorded, which a full or
    /// stalled disk may delay.
    package func shutOut(site name: String) {
        guard let site = state.sites[name] else { return }
        shutOut.withLock { $0.formUnion(site.publicKeys) }
        for key in site.publicKeys { means.cut(key) }
        uploads.cut(site: name)
    }

    /// Ends the connections of keys that are no longer let in, before anybody hears of the decision.
    private func cutOff(_ decision: Decision) {
        for (name, site) in decision.former.sites {
            for key in site.publicKeys where decision.former.isActive(publicKey: key) {
                guard !decision.next.state.isActive(publicKey: key) else { continue }
                means.cut(key)
                if decision.next.state.sites[name]?.standing != .active { uploads.cut(site: name) }
            }
        }
    }

    /// An error as it is told to those who asked; what does not concern them goes to the log.
    func problem(_ error: any Error) -> Problem {
        if let problem = error as? Problem { return problem }
        let isFull =
            (error as? DatabaseError)?.resultCode == .SQLITE_FULL || (error as? StoreError)?.code == .diskFull
        logger.error("\((error as? DatabaseError).map(Store.reason) ?? "\(error)")")
        return isFull
            ? Problem(.diskFull, "The coordinator's disk is full; its operator must free space, then it goes on.")
            : Problem(.internalError, "The coordinator could not do this; its log says why; ask its operator.")
    }
}
