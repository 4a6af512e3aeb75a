import AgentService
import ArgumentParser
import Cohort

/// `agent purge`: deletes the prepared pictures of patients that `agent fit` keeps on disk.
struct PurgeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purge",
        abstract: "Delete prepared cases from the cache.",
        discussion: """
            Prepared cases are pictures of patients. `agent fit` keeps them \(PreparedCache.usualDays) days at most; `agent \
            infer` keeps none. Only entries of the cache are deleted, never other files in the folder; they are made anew when they are needed.
            With --state it is the cache of that site's `agent worker`, and the folders of ended work go too; the \
            egress log stays.
            """)

    @Option(
        help: ArgumentHelp(
            "The cache's folder; $XDG_CACHE_HOME/consilium or ~/.cache/consilium by default, with --state STATE-cache.",
            valueName: "dir"))
    var cache: String?

    @Option(help: ArgumentHelp("Only entries older than this; all by default.", valueName: "days"))
    var olderThan: Int?

    @Option(help: ArgumentHelp("Also ended work in this state folder, while no agent runs on it.", valueName: "dir"))
    var state: String?

    func validate() throws {
        if let olderThan, olderThan < 0 { throw ValidationError("Give a number of days, 0 or more.") }
    }

    func run() throws {
        guard let cache = cache ?? state.map({ StateFolder($0).cache }) ?? PreparedCache.usualFolder else {
            throw CohortError(.cache, "There is no home folder to find the cache in: name its folder with --cache.")
        }
        if let state {
            let count = try EndedWork.purge(StateFolder(state), olderThanDays: olderThan)
            print("Deleted \(count == 1 ? "1 folder" : "\(count) folders") of ended work from \(state).")
        }
        let purged = try PreparedCache.purge(folder: cache, olderThanDays: olderThan)
        let mebibytes = (purged.bytes + (1 << 19)) >> 20
        print(
            "Deleted \(purged.entries == 1 ? "1 prepared case" : "\(purged.entries) prepared cases") (\(mebibytes) MiB) from \(cache)."
        )
    }
}
