import Glibc

/// One agent a state folder: held as long as the value lives.
package struct FolderLock: ~Copyable {
    private let descriptor: Int32

    /// - Returns: nil if another process holds it.
    package static func take(_ path: String) throws -> FolderLock? {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw AgentError(.state, "\(path) cannot be opened; check that you may write there")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
        return FolderLock(descriptor: descriptor)
    }

    deinit { close(descriptor) }
}
