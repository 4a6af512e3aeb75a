import Glibc

/// What a process that holds keys asks of the system before it begins.
package enum ProcessLimits {
    /// Fewest files a serving coordinator must be able to open: each connection and each upload is one.
    package static let descriptors = 4096

    /// Forbids core files, which would hold keys, and makes files for the owner only.
    package static func harden() {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        umask(0o077)
    }

    /// Raises the number of files to what the system allows.
    /// - Throws: ``OperatorError`` when that is below ``descriptors``.
    package static func raiseDescriptors() throws(OperatorError) {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        getrlimit(resource, &limit)
        limit.rlim_cur = min(limit.rlim_max, 65_536)
        setrlimit(resource, &limit)
        getrlimit(resource, &limit)
        guard limit.rlim_cur >= rlim_t(descriptors) else {
            throw OperatorError(
                "only \(limit.rlim_cur) files may be open and \(descriptors) are needed; raise it with ulimit -n")
        }
    }
}
