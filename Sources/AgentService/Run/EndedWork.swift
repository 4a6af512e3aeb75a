import Federation
import Foundation

/// Folders of work that ended.
package enum EndedWork {
    /// Deletes them.
    /// - Returns: how many.
    package static func purge(_ folder: StateFolder, olderThanDays days: Int? = nil) throws -> Int {
        guard FileManager.default.fileExists(atPath: folder.path) else {
            throw AgentError(.state, "there is no state folder \(folder.path)")
        }
        guard let lock = try FolderLock.take(folder.lock) else {
            throw AgentError(.state, "an agent runs on \(folder.path) and tidies by itself; stop it to purge by hand")
        }
        defer { withExtendedLifetime(lock) {} }
        let now = Timestamp(Date())
        let ended = try TaskRecord.all(in: folder).filter { record in
            guard let outcome = try record.outcome else { return false }
            return now.seconds(since: outcome.at) >= Double(days ?? 0) * 86_400
        }
        for record in ended { record.remove() }
        return ended.count
    }
}
