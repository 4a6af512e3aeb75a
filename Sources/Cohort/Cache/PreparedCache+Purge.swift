import Files
import Glibc

extension PreparedCache {
    /// What a purge removed.
    package struct Purged: Sendable, Equatable {
        /// Prepared cases deleted.
        package var entries = 0
        /// Their size on disk, and that of unfinished files.
        package var bytes = 0
    }

    /// An unfinished file older than this belongs to no living writer, seconds.
    private static let abandonedAfter = 3_600

    /// Deletes prepared cases. Other files in the folder are left alone, so that a wrong path does no harm.
    /// - Parameters:
    ///   - folder: a cache's folder; one that does not exist holds nothing.
    ///   - olderThanDays: only entries older than this; nil for all.
    /// - Throws: ``CohortError`` when the folder or an entry cannot be dealt with.
    package static func purge(folder: String, olderThanDays days: Int? = nil) throws(CohortError) -> Purged {
        guard let names = try names(in: folder) else { return Purged() }
        let now = time(nil)
        var purged = Purged()
        for name in names where isEntry(name) {
            let path = folder + "/" + name
            guard let stamp = FileBytes.stamp(of: path) else { continue }
            let age = now - stamp.seconds
            let unfinished = name.hasSuffix(DurableFile.ending)
            let due = days.map { age > ($0 > Int.max / 86_400 ? .max : $0 * 86_400) } ?? true
            guard unfinished ? (days == nil || age > abandonedAfter) : due else { continue }
            guard unlink(path) == 0 || errno == ENOENT else {
                throw CohortError(
                    .cache, "The cache entry \(path) cannot be deleted: \(FileBytes.reason()); delete it by hand.")
            }
            purged.bytes += Int(stamp.bytes)
            if !unfinished { purged.entries += 1 }
        }
        return purged
    }

    /// Whether a name is one this cache gives: 64 hexadecimal digits and an ending.
    private static func isEntry(_ name: String) -> Bool {
        let unfinished = name.hasPrefix(".") && name.hasSuffix(DurableFile.ending)
        let own = unfinished ? name.dropFirst() : Substring(name)
        let digest = own.utf8.prefix(64)
        guard digest.count == 64, digest.allSatisfy({ Array("0123456789abcdef".utf8).contains($0) }) else {
            return false
        }
        let rest = own.dropFirst(64)
        return unfinished ? rest.hasPrefix(ending + ".") : rest == ending
    }

    /// Makes the folder, or makes an existing one the owner's alone.
    static func own(_ folder: String) throws(CohortError) {
        var path = ""
        for part in folder.split(separator: "/", omittingEmptySubsequences: true) {
            path += (path.isEmpty && !folder.hasPrefix("/") ? "" : "/") + part
            if mkdir(path, 0o700) != 0, errno != EEXIST {
                throw CohortError(
                    .cache, "The cache folder \(path) cannot be made: \(FileBytes.reason()); name another.")
            }
        }
        var facts = stat()
        guard stat(folder, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR else {
            throw CohortError(.cache, "The cache folder \(folder) is not a folder; name another.")
        }
        guard facts.st_uid == geteuid() else {
            throw CohortError(.cache, "The cache folder \(folder) belongs to another user; name one of your own.")
        }
        guard facts.st_mode & 0o077 != 0 else { return }
        // A folder with other things in it is not ours to close.
        guard try names(in: folder)?.allSatisfy(isEntry) ?? true, chmod(folder, 0o700) == 0 else {
            throw CohortError(
                .cache, "The cache folder \(folder) can be read by others: give one of its own, or chmod 700 it.")
        }
    }

    /// The names in a folder; nil when there is no such folder.
    private static func names(in folder: String) throws(CohortError) -> [String]? {
        guard let listing = opendir(folder) else {
            if errno == ENOENT { return nil }
            throw CohortError(.cache, "The cache folder \(folder) cannot be read: \(FileBytes.reason()); name another.")
        }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
