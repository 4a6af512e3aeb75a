import Files
import Foundation

/// The folder a fit writes into, held by one process at a time.
final class FitFolder {
    let path: String
    private let lock: Int32

    /// Makes the folder where it is not there and takes it.
    /// - Throws: ``TrainingError`` when another process fits into it.
    init(_ path: String) throws(TrainingError) {
        try OutputFile.makeFolder(path)
        self.path = path
        lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard lock >= 0, flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            let number = errno
            throw number == EWOULDBLOCK
                ? TrainingError(.checkpoint, "Another fit is writing into \(path): give another folder with --out")
                : TrainingError(
                    .cannotWrite,
                    "\(path) cannot be taken for a fit: \(String(cString: strerror(number))); check its permissions and "
                        + "its file system, or give another folder with --out")
        }
        removeUnfinished()
    }

    deinit { if lock >= 0 { close(lock) } }

    var model: String { path + "/model.safetensors" }
    var history: String { path + "/history.csv" }
    var metrics: String { path + "/metrics.json" }
    var fit: String { path + "/fit.json" }
    var checkpoint: String { path + "/checkpoint/state.safetensors" }

    /// What an earlier run left, if it may be added to.
    ///
    /// - Parameter hasCheckpoint: whether there is one, which says of itself what fit it belongs to.
    /// - Returns: the metrics when this very fit is finished; nil when it is to begin or go on.
    /// - Throws: ``TrainingError`` when a model lies here that going on would overwrite, or another fit was finished.
    func earlier(_ identity: [String: String], hasCheckpoint: Bool) throws(TrainingError) -> FitMetrics? {
        let file = try? JSONDecoder().decode(FitFile.self, from: Data(contentsOf: URL(filePath: fit)))
        guard FileManager.default.fileExists(atPath: model) else { return nil }
        if let file, file.finished {
            try requireSame(file.identity, as: identity)
            let metrics = try? JSONDecoder().decode(FitMetrics.self, from: Data(contentsOf: URL(filePath: metrics)))
            if let metrics { return metrics }
        }
        if hasCheckpoint { return nil }
        guard let file else { throw wouldOverwrite("\(fit) does not say what fit it is of") }
        guard !file.finished else { throw wouldOverwrite("its fit is finished but \(metrics) cannot be read") }
        // A first epoch that ended without its checkpoint.
        try requireSame(file.identity, as: identity)
        return nil
    }

    func requireSame(_ before: [String: String], as now: [String: String]) throws(TrainingError) {
        try Self.requireSame(before, as: now, in: path)
    }

    func wouldOverwrite(_ reason: String) -> TrainingError {
        TrainingError(
            .checkpoint,
            "\(model) would be overwritten, for \(reason): give another folder with --out, or move the model away")
    }

    func makeCheckpointFolder() throws(TrainingError) { try OutputFile.makeFolder(path + "/checkpoint") }

    /// Deletes the checkpoint of a finished fit: the model is what stays.
    func removeCheckpoint() {
        unlink(checkpoint)
        rmdir(path + "/checkpoint")
    }

    /// Deletes files that a killed fit left half-written.
    private func removeUnfinished() {
        for folder in [path, path + "/checkpoint"] {
            for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            where DurableFile.isAbandoned(name) {
                unlink(folder + "/" + name)
            }
        }
    }

    /// - Throws: ``TrainingError`` naming the first thing that differs.
    static func requireSame(
        _ before: [String: String], as now: [String: String], in path: String
    ) throws(TrainingError) {
        for key in Set(before.keys).union(now.keys).sorted() where before[key] != now[key] {
            let (old, new) = (before[key] ?? "nothing", now[key] ?? "nothing")
            let what =
                key == "data"
                ? "the cases, their labels, splits or voxels differ from those it was begun with"
                : "its \(key) is \"\(old)\" and the one asked for is \"\(new)\""
            throw TrainingError(
                .checkpoint,
                "\(path) holds a training that cannot be continued: \(what); use the same settings or another --out")
        }
    }
}
