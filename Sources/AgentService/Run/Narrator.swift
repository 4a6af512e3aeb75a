import Foundation
import Synchronization

/// Says in plain words how things stand: one line when it changes, not one each time.
package final class Narrator: Sendable {
    private let last = Mutex<[String: String]>([:])
    private let write: @Sendable (String) -> Void

    /// - Parameter write: by default lines with the time on the standard error.
    package init(write: @escaping @Sendable (String) -> Void = Narrator.standardError) { self.write = write }

    /// Says a line on a matter, unless it was the last one said on it.
    package func say(_ line: String, on matter: String) {
        let isNew = last.withLock { last in
            let isNew = last[matter] != line
            last[matter] = line
            return isNew
        }
        if isNew { write(line) }
    }

    /// Forgets a matter that is settled, so that it is told of when it comes back.
    package func settle(_ matter: String) { last.withLock { _ = $0.removeValue(forKey: matter) } }

    /// The last line on a matter.
    package func line(on matter: String) -> String? { last.withLock { $0[matter] } }

    package static let standardError: @Sendable (String) -> Void = { line in
        let now = Date().formatted(.iso8601)
        // A log that cannot be written ends no round.
        try? FileHandle.standardError.write(contentsOf: Data("\(now) \(line)\n".utf8))
    }
}
