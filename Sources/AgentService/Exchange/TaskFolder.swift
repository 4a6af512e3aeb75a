import Files
package import Federation
import Foundation
import Glibc

/// Why a file between agent and worker could not be used, in one sentence.
package struct ExchangeError: Error, CustomStringConvertible, Sendable, Equatable {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// One task's folder, the only thing agent and worker share: `STATE/tasks/<study>.<round>.<attempt>.<kind>`.
///
/// `task.json` is the agent's; `progress.json`, `update.safetensors` and `result.json` are the worker's. Each appears
/// whole or not at all, and a task is done when its result is there.
package struct TaskFolder: Sendable, Hashable {
    /// The folder itself.
    package let path: String

    /// The most bytes a JSON file may have: a result lists the norm of every tensor.
    package static let mostBytes = 4 << 20

    /// The folder of a task, whether or not it is there.
    package init(state: String, round: RoundReference, kind: Assignment.Kind) {
        path = "\(state)/tasks/\(round.study).\(round.round).\(round.attempt).\(kind.rawValue)"
    }

    package init(path: String) { self.path = path }

    /// All folders with a task, by name.
    package static func all(state: String) -> [TaskFolder] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: state + "/tasks")) ?? []
        return names.filter { !$0.hasPrefix(".") }.sorted().map { TaskFolder(path: "\(state)/tasks/\($0)") }
            .filter { $0.has("task.json") }
    }

    /// The folder's name.
    package var id: String { path.split(separator: "/").last.map(String.init) ?? path }

    /// Where the update lies.
    package var update: String { path + "/update.safetensors" }
    /// A select case, what was left of it, and what the newest model of a pretraining makes of that: for the site's own
    /// people, as long as the folder is kept.
    package var picture: String { path + "/restoration.png" }
    /// What the site's own trainer said.
    package var log: String { path + "/trainer.log" }
    /// Where the worker keeps what it needs to go on after it was killed; it goes when the result is there.
    package var scratch: String { path + "/scratch" }

    package var isFinished: Bool { has("result.json") }
    /// Whether the agent still wants it: it removes the folder of a task that is over.
    package var isWanted: Bool { has("task.json") }

    /// Hands a task to the worker. One that is there already stays as it is.
    package func submit(_ task: WorkerTask) throws(ExchangeError) {
        if let fault = task.fault { throw ExchangeError("The task \(id) cannot be given to the worker: \(fault)") }
        guard !has("task.json") else { return }
        let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch { throw ExchangeError("\(path) cannot be made: \(error.localizedDescription); check the state folder") }
        try write(task, "task.json")
        DurableFile.synchronise(folder: parent)
        // The worker watches the folder of all tasks, whose entry was there before the task was.
        utimensat(AT_FDCWD, parent, nil, 0)
    }

    /// The task.
    /// - Throws: ``ExchangeError`` when it cannot be read or asks for what this release does not know.
    package func task() throws(ExchangeError) -> WorkerTask {
        let task = try read(WorkerTask.self, "task.json")
        if let fault = task.fault { throw ExchangeError("\(path)/task.json cannot be used: \(fault)") }
        return task
    }

    /// How far it is; nil when nothing is known.
    package func progress() -> WorkerProgress? {
        guard var progress = try? read(WorkerProgress.self, "progress.json") else { return nil }
        // The agent shows it as it is: no more than people can read.
        let (loss, notes) = (progress.loss, progress.notes)
        progress.loss = loss.map { String($0.prefix(200)) }
        progress.notes = notes?.prefix(8).map { String($0.prefix(1000)) }
        return progress
    }

    /// What came of it; nil while it is not finished.
    package func result() throws(ExchangeError) -> WorkerResult? {
        guard isFinished else { return nil }
        let result = try read(WorkerResult.self, "result.json")
        guard result.format == WorkerTask.format else {
            throw ExchangeError(
                "\(path)/result.json is of format \(result.format): run agent and worker of one release")
        }
        return result
    }

    /// Takes the task back from the worker, with all it has made of it: it stops, and begins anew when it is submitted
    /// again. The site's own trainer's log stays.
    func withdraw() {
        for name in ["task.json", "result.json", "progress.json", "update.safetensors", "scratch"] {
            try? FileManager.default.removeItem(atPath: "\(path)/\(name)")
        }
    }

    /// Deletes the folder and all in it.
    package func remove() { try? FileManager.default.removeItem(atPath: path) }

    package func report(_ progress: WorkerProgress) throws(ExchangeError) { try write(progress, "progress.json") }

    package func finish(_ result: WorkerResult) throws(ExchangeError) {
        try write(result, "result.json")
        try? FileManager.default.removeItem(atPath: scratch)
    }

    private func has(_ name: String) -> Bool { access("\(path)/\(name)", F_OK) == 0 }

    private func write(_ value: some Encodable, _ name: String) throws(ExchangeError) {
        do {
            let text = try MessageCoding.encode(value)
            guard text.utf8.count <= Self.mostBytes else { throw ExchangeError("it would be too large") }
            try DurableFile.write(text.utf8, to: "\(path)/\(name)")
        } catch { throw ExchangeError("\(path)/\(name) cannot be written: \(error)") }
    }

    private func read<T: Decodable>(_ type: T.Type, _ name: String) throws(ExchangeError) -> T {
        let file = "\(path)/\(name)"
        let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw ExchangeError("\(file) cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        // A pipe or a socket has no end to go to; a folder shows itself at the first read.
        let size = lseek(descriptor, 0, SEEK_END)
        guard size >= 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
            throw ExchangeError("\(file) cannot be read: it is not a file")
        }
        guard size <= Self.mostBytes else {
            throw ExchangeError("\(file) has \(size) bytes: more than \(Self.mostBytes) are not read")
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: false)
        do {
            let bytes = try handle.read(upToCount: Self.mostBytes) ?? Data()
            return try MessageCoding.decode(type, from: String(decoding: bytes, as: UTF8.self))
        } catch { throw ExchangeError("\(file) is damaged or of another release: \(error)") }
    }
}
