import CSandbox
import Glibc

/// What this process can no longer do, by the kernel's word: reach a network, or open files.
///
/// Both hold for the calling thread and for every thread and process started afterwards, so they are installed first
/// thing in a program, and they cannot be taken back. What a kernel or a container does not allow is said in the
/// ``Outcome``, for a person to read.
package enum Sandbox {
    /// What came of a wish.
    package struct Outcome: Sendable, Equatable, Codable {
        /// What is now enforced, such as `no sockets but local ones (seccomp)`.
        package var enforced: [String]
        /// What could not be, each with its reason.
        package var missing: [String]

        package init(enforced: [String] = [], missing: [String] = []) {
            self.enforced = enforced
            self.missing = missing
        }

        /// Whether at least one measure stands between this process and what it was to be kept from.
        package var holds: Bool { !enforced.isEmpty }

        /// One line: what holds, then what does not.
        package var description: String {
            let parts = enforced + missing.map { "missing: \($0)" }
            return parts.isEmpty ? "nothing is enforced" : parts.joined(separator: "; ")
        }
    }

    /// Folders of programs and libraries, which hold nothing of patients and no keys of ours.
    package static let systemFolders = [
        "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/usr", "/opt", "/etc", "/proc", "/sys", "/dev", "/nix",
        "/run/systemd/resolve",
    ]
    /// Where programs write what is not worth keeping.
    package static let scratchFolders = ["/tmp", "/var/tmp", "/dev"]

    /// Forbids every way to a network, and to services of this machine: an empty network namespace where allowed, and a
    /// filter under which only sockets between own processes can be made and `connect` fails with EACCES.
    package static func denyNetwork() -> Outcome {
        var outcome = Outcome()
        let isolation = cs_isolate_network()
        if isolation == 0 {
            outcome.enforced.append("an empty network namespace")
        } else {
            outcome.missing.append("an empty network namespace (\(reason(isolation)))")
        }
        let filter = cs_deny_sockets()
        if filter == 0 {
            outcome.enforced.append("no sockets and no connect (seccomp)")
        } else {
            outcome.missing.append("a filter of system calls (\(reason(filter)))")
        }
        return outcome
    }

    /// Forbids every file that is not below one of the paths given; paths that do not exist are passed over.
    ///
    /// - Parameters:
    ///   - readable: files and folders that may be read, and programs in them run.
    ///   - writable: files and folders that may also be changed.
    package static func restrictFiles(readable: [String], writable: [String]) -> Outcome {
        let rules = cs_landlock_create()
        guard rules >= 0 else { return Outcome(missing: ["files are not restricted: Landlock (\(reason(rules)))"]) }
        for (paths, access) in [(readable, CS_READ), (writable, CS_READ | CS_WRITE)] {
            for path in paths {
                let result = cs_landlock_allow(rules, path, Int32(access))
                // Siblings may go while they are listed, and some cannot be opened at all: they stay forbidden.
                if result < 0, result != -ENOENT, result != -EACCES, result != -ENOTDIR, result != -EPERM {
                    close(rules)
                    return Outcome(missing: ["files are not restricted: \(path) (\(reason(result)))"])
                }
            }
        }
        let result = cs_landlock_enforce(rules)
        guard result == 0 else { return Outcome(missing: ["files are not restricted: Landlock (\(reason(result)))"]) }
        var outcome = Outcome(enforced: ["files restricted (Landlock \(cs_landlock_abi()))"])
        if cs_thread_count() > 1 {
            outcome.missing.append("threads that were running before are not restricted")
        }
        return outcome
    }

    /// Forbids some folders, and all changes outside of others; everything else stays readable.
    ///
    /// Landlock only allows. What is allowed is all that lies beside the way to a hidden folder now: what is put beside
    /// it later is hidden too.
    /// - Parameter kept: a folder in which nothing may be changed but what is named in `writable` itself.
    package static func hideFiles(_ hidden: [String], writable: [String], kept: String? = nil) -> Outcome {
        let hidden = hidden.map(resolved)
        let unchanged = hidden + (kept.map { [resolved($0)] } ?? [])
        // What is allowed for a folder is allowed for all below it, also for what is to be hidden there.
        let changeable = writable.map(resolved).flatMap { folder in
            unchanged.contains { $0.hasPrefix(folder + "/") } ? paths(beside: unchanged, under: folder) : [folder]
        }
        return restrictFiles(readable: paths(beside: hidden), writable: changeable.filter { !hidden.contains($0) })
    }

    /// All that there is but some folders, as few paths as possible.
    static func paths(beside hidden: [String], under folder: String = "/") -> [String] {
        let prefix = folder == "/" ? "/" : folder + "/"
        return names(in: folder).flatMap { name -> [String] in
            let path = prefix + name
            if hidden.contains(path) { return [] }
            guard hidden.contains(where: { $0.hasPrefix(path + "/") }) else { return [path] }
            return paths(beside: hidden, under: path)
        }
    }

    private static func names(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// A path without links, since rules are about what a path leads to; its last name need not exist.
    private static func resolved(_ path: String) -> String {
        if let real = realpath(path, nil) {
            defer { free(real) }
            return String(cString: real)
        }
        let (folder, name) =
            path.lastIndex(of: "/").map { (String(path[..<$0]), String(path[$0...].dropFirst())) } ?? (".", path)
        guard !name.isEmpty, let real = realpath(folder.isEmpty ? "/" : folder, nil) else { return path }
        defer { free(real) }
        let parent = String(cString: real)
        return parent == "/" ? "/" + name : parent + "/" + name
    }

    private static func reason(_ result: Int32) -> String { String(cString: strerror(-result)) }
}
