import Synchronization

/// Uploads that a connection is writing, or has written since the coordinator was started.
final class UploadDesk: Sendable {
    private let sessions = Mutex<[String: UploadSession]>([:])

    /// The session of an upload, made when there is none.
    func session(_ record: UploadRecord) -> UploadSession {
        sessions.withLock { sessions in
            if let session = sessions[record.id] { return session }
            let session = UploadSession(id: record.id, site: record.site)
            sessions[record.id] = session
            return session
        }
    }

    /// Whether a session is the one in force: it was not forgotten while its turn was awaited.
    func isCurrent(_ session: UploadSession, of id: String) -> Bool {
        sessions.withLock { $0[id] === session }
    }

    /// Forgets an upload, cutting off who writes it.
    func forget(_ id: String) {
        sessions.withLock { $0.removeValue(forKey: id) }?.turn.cut()
    }

    /// Cuts off whatever a site is sending.
    func cut(site: String) {
        let cut = sessions.withLock { sessions in
            let own = sessions.filter { $0.value.site == site }
            for id in own.keys { sessions[id] = nil }
            return own.values.map(\.turn)
        }
        for turn in cut { turn.cut() }
    }
}
