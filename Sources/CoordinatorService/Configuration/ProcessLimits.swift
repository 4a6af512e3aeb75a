import CSandbox
import Glibc

/// What a process that holds keys asks of the system before it begins.
package enum ProcessLimits {
    /// Forbids core files, which would hold keys, and makes files for the owner only.
    package static func harden() {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        umask(0o077)
    }

    /// Keeps memory flat over many rounds: else each thread's heap keeps the largest moment it ever had. To be called before
    /// threads are started.
    package static func giveBackMemory() { cs_give_back_memory() }

    /// Raises the number of files to what the system allows.
    /// - Parameter connections: how many may be open; each may read or write a file.
    /// - Throws: ``OperatorError`` when that is too few: a listener that cannot take a connection ends.
    package static func raiseDescriptors(connections: Int) throws(OperatorError) {
        let descriptors = 2 * connections + 1024
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        getrlimit(resource, &limit)
        limit.rlim_cur = min(limit.rlim_max, rlim_t(max(descriptors, 65_536)))
        setrlimit(resource, &limit)
        getrlimit(resource, &limit)
        guard limit.rlim_cur >= rlim_t(descriptors) else {
            throw OperatorError(
                "only \(limit.rlim_cur) files may be open, and \(connections) connections need \(descriptors); raise it with "
                    + "ulimit -n, or lower limits.connections")
        }
    }
}
