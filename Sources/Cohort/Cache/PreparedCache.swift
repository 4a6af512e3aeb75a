import Cryptography
import Files
import Glibc
package import Imaging
import Synchronization

/// Prepared cases on disk, so that a scan is read and resampled once and not at every start.
///
/// They are pictures of patients: the folder is the owner's alone (0700, files 0600), entries are deleted after an age
/// limit, and `agent purge` deletes them at once. An entry is found by the digest of the files' bytes, the recipe and the
/// version of the preparation; a damaged or foreign entry is made anew. Processes may share a folder: entries appear
/// whole, by rename, and two writers of one entry write the same bytes. Nothing fails because the cache does.
package final class PreparedCache: Sendable {
    /// How long an entry is kept, days.
    package static let usualDays = 30

    /// The folder of the entries; empty where there is none.
    package let folder: String
    private let maximumAge: Int

    private struct State {
        var usable = true
        var notices: [String] = []
        /// Digests of files seen in this run; a file that changes gets another stamp.
        var digests: [FileBytes.Stamp: String] = [:]
    }
    private let state: Mutex<State>

    /// Opens or makes the folder and deletes entries beyond the age limit.
    ///
    /// A folder that cannot be used leaves a cache that stores nothing and says so in ``notices``.
    /// - Parameters:
    ///   - folder: `~/.cache/consilium` by default, or below `XDG_CACHE_HOME`; nil for none.
    ///   - days: entries older than this are not used and are deleted.
    package init(folder: String? = PreparedCache.usualFolder, days: Int = PreparedCache.usualDays) {
        self.folder = folder ?? ""
        maximumAge = days.multipliedReportingOverflow(by: 86_400).overflow ? .max : days * 86_400
        state = Mutex(State())
        guard let folder else {
            giveUp("There is no home folder for the cache: set HOME or name a folder. Continuing without a cache.")
            return
        }
        do {
            try Self.own(folder)
            _ = try Self.purge(folder: folder, olderThanDays: days)
        } catch {
            giveUp("\(error) Continuing without a cache.")
        }
    }

    /// `$XDG_CACHE_HOME/consilium`, else `~/.cache/consilium`; nil without a home, as a folder all users share is no place
    /// for pictures of patients.
    package static var usualFolder: String? {
        func folder(_ variable: String) -> String? {
            getenv(variable).map { String(cString: $0) }.flatMap { $0.hasPrefix("/") ? $0 : nil }
        }
        return folder("XDG_CACHE_HOME").map { $0 + "/consilium" } ?? folder("HOME").map { $0 + "/.cache/consilium" }
    }

    /// What a person should know: one sentence for each thing that kept the cache from working, each said once.
    package var notices: [String] { state.withLock { $0.notices } }

    /// The prepared case, from the cache or made and stored.
    /// - Parameters:
    ///   - paths: the case's files; their bytes are digested once a run.
    ///   - recipe: how it is prepared.
    ///   - prepare: makes the case when the cache has none.
    /// - Throws: what reading the files or `prepare` throws; never because of the cache.
    package func volume(
        paths: CasePaths, recipe: Recipe, prepare: () throws -> PreparedVolume
    ) throws -> PreparedVolume {
        guard state.withLock({ $0.usable }) else { return try prepare() }
        let before = Self.stamps(paths)
        let entry = folder + "/" + (try key(paths: paths, recipe: recipe)) + Self.ending
        if let found = read(entry, recipe: recipe) { return found }
        let volume = try prepare()
        // What was prepared must be what was digested.
        if Self.stamps(paths) == before { store(volume, at: entry) }
        return volume
    }

    private static func stamps(_ paths: CasePaths) -> [FileBytes.Stamp?] {
        let files =
            Contrast.allCases.compactMap { paths.contrasts[$0] } + [paths.volume, paths.brain].compactMap(\.self)
        return files.map(FileBytes.stamp)
    }

    /// The name of a case's entry: SHA-256 over the versions, the recipe and each file's role and digest.
    package func key(paths: CasePaths, recipe: Recipe) throws -> String {
        var hash = SHA256()
        hash.update("consilium prepared case \(PreparedEntry.version)\n\(recipe.summary)\n")
        for contrast in Contrast.allCases {
            if let path = paths.contrasts[contrast] { hash.update("\(contrast.rawValue) \(try digest(of: path))\n") }
        }
        if let path = paths.volume { hash.update("volume \(try digest(of: path))\n") }
        if let path = paths.brain { hash.update("brain \(try digest(of: path))\n") }
        return hash.finish()
    }

    private func digest(of path: String) throws -> String {
        let stamp = FileBytes.stamp(of: path)
        if let stamp, let known = state.withLock({ $0.digests[stamp] }) { return known }
        let digest = try FileBytes.digest(of: path)
        if let stamp { state.withLock { $0.digests[stamp] = digest } }
        return digest
    }

    private func read(_ entry: String, recipe: Recipe) -> PreparedVolume? {
        guard let stamp = FileBytes.stamp(of: entry), time(nil) - stamp.seconds <= maximumAge else { return nil }
        guard let bytes = try? FileBytes.read(entry, limit: Self.mostBytes, what: "cache entry"),
            let volume = try? PreparedEntry.decode(bytes), volume.recipe == recipe
        else { return nil }
        return volume
    }

    private func store(_ volume: PreparedVolume, at entry: String) {
        do {
            try DurableFile.write(try PreparedEntry.encode(volume), to: entry)
        } catch let error as FileError {
            giveUp("\(error). Continuing without a cache.")
        } catch {
            giveUp("\(error) Continuing without a cache.")
        }
    }

    private func giveUp(_ notice: String) {
        state.withLock {
            $0.usable = false
            if !$0.notices.contains(notice) { $0.notices.append(notice) }
        }
    }

    static let ending = ".prepared"
    /// 4·512³ voxels and a header.
    private static let mostBytes = (4 * 512 * 512 * 512 * 4) + (2 << 20)
}
