import CSandbox
import Glibc

/// A file taken over from another process so that nobody can change it any more.
package enum SettledFile {
    /// Moves a file out of the reach of the process that made it.
    ///
    /// Whoever still has it open for writing, or has another name for it, could change it after it was checked. Where the
    /// kernel does not vouch that there is neither, the bytes are copied, and what is checked and sent is the copy.
    /// - Parameter target: on the same file system, in a folder that the other process may not write.
    package static func take(_ source: String, to target: String) throws {
        guard rename(source, target) == 0 else { throw failure(source, target) }
        let descriptor = open(target, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure(source, target) }
        defer { close(descriptor) }
        if cs_is_settled(descriptor) != 0 { return }
        try copy(descriptor, over: target)
    }

    private static func copy(_ descriptor: Int32, over target: String) throws {
        let copied = target + ".copy"
        unlink(copied)
        let output = open(copied, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard output >= 0 else { throw failure(target, copied) }
        defer { close(output) }
        while true {
            let count = sendfile(output, descriptor, nil, 1 << 20)
            if count == 0 { break }
            guard count > 0 || errno == EINTR else {
                let error = failure(target, copied)
                unlink(copied)
                throw error
            }
        }
        guard fsync(output) == 0, rename(copied, target) == 0 else { throw failure(target, copied) }
    }

    private static func failure(_ source: String, _ target: String) -> AgentError {
        AgentError(.state, "\(source) cannot be taken over as \(target): \(String(cString: strerror(errno)))")
    }
}
