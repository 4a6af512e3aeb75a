import Cohort
import Foundation
import Glibc

/// The half of a site that opens scans: does the tasks in `STATE/tasks`, one at a time, and hands over results.
///
/// It needs no network and no key. Killed at any moment, it goes on where it was when it is started again.
package final class Worker {
    /// What it tells the person who runs it; may name cases and files of the site.
    package enum Report: Sendable {
        case began(String)
        case finished(String, WorkerResult.Outcome)
        case problem(String)
    }

    package let state: String
    private let report: (Report) -> Void
    private let shouldStop: () -> Bool
    /// Tasks that cannot even be read, not to be tried again by this process.
    private var unreadable: Set<String> = []
    private var cache: PreparedCache
    private var cacheOpened = ContinuousClock.now
    /// Held as long as this worker is there.
    private let lock: FolderLock

    /// - Parameters:
    ///   - state: the site's state folder; `tasks` is made in it where it is missing.
    ///   - cache: folder of prepared scans, made where it is missing; ``StateFolder/cache`` when nil.
    ///   - shouldStop: asked often; true ends the work at the next safe place.
    package init(
        state: String, cache: String? = nil, report: @escaping (Report) -> Void = { _ in },
        shouldStop: @escaping () -> Bool = { false }
    ) throws {
        self.state = state
        self.report = report
        self.shouldStop = shouldStop
        let cache = cache ?? StateFolder(state).cache
        try Self.makeFolders(state, cache: cache)
        guard let lock = try FolderLock.take(StateFolder(state).workerLock) else {
            throw ExchangeError("Another worker works on \(state); stop it, or wait until it has ended.")
        }
        self.lock = lock
        self.cache = PreparedCache(folder: cache)
    }

    /// Makes the folders the worker writes into, before it is forbidden to make any.
    package static func makeFolders(_ state: String, cache: String) throws(ExchangeError) {
        // Objects are only read; made later, they would lie among what is forbidden.
        for folder in [state, state + "/tasks", state + "/objects", cache] {
            guard mkdir(folder, 0o700) == 0 || errno == EEXIST else {
                throw ExchangeError(
                    "\(folder) cannot be made: \(String(cString: strerror(errno))); check its permissions")
            }
        }
    }

    /// Works until asked to stop, or only until no task is left.
    package func run(untilDone: Bool = false) {
        let watch = FolderWatch(state + "/tasks")
        while !shouldStop() {
            let open = TaskFolder.all(state: state).filter { !$0.isFinished && !unreadable.contains($0.id) }
            if let next = open.first {
                perform(next)
            } else {
                if untilDone { return }
                tidyCache()
                watch.wait(milliseconds: 200)
            }
        }
    }

    /// Deletes what is beyond the cache's age limit, once an hour: a worker may run for months.
    private func tidyCache() {
        guard ContinuousClock.now - cacheOpened > .seconds(3600) else { return }
        cacheOpened = .now
        cache = PreparedCache(folder: cache.folder)
    }

    /// Does one task, unless asked to stop or the agent takes it back.
    package func perform(_ folder: TaskFolder) {
        let task: WorkerTask
        do { task = try folder.task() } catch {
            unreadable.insert(folder.id)
            report(.problem("\(error)"))
            return
        }
        report(.began(folder.id))
        let shouldStop = shouldStop
        let session = WorkerSession(
            task: task, folder: folder, cache: cache, shouldStop: { shouldStop() || !folder.isWanted })
        var result: WorkerResult?
        do { result = try session.perform() } catch {
            result = WorkerResult(.refusal(WorkerResult.Refusal(error)), of: task)
        }
        // Asked to stop, the task stays open.
        guard let result, folder.isWanted else { return }
        do {
            try folder.finish(result)
            report(.finished(folder.id, result.outcome))
        } catch {
            // A full disk, most likely: it is tried again, from the checkpoint.
            report(.problem("\(error); trying again in \(Self.pause) s"))
            let end = ContinuousClock.now + .seconds(Self.pause)
            while ContinuousClock.now < end, !shouldStop() { usleep(100_000) }
        }
    }

    /// Seconds between tries to write a result.
    private static let pause = 10
}
