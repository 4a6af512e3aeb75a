import Foundation

/// Small files that are there whole or not at all.
package enum DurableFile {
    /// Writes beside the target, syncs, renames.
    /// - Throws: ``TrainingError`` naming the file; what was there before stays.
    package static func write(_ text: String, to path: String) throws(TrainingError) {
        let temporary = "\(path).\(getpid()).partial"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure(path, errno) }
        let bytes = Array(text.utf8)
        var done = 0
        var problem: Int32 = 0
        while done < bytes.count, problem == 0 {
            let count = bytes.withUnsafeBytes {
                Foundation.write(file, $0.baseAddress.map { $0 + done }, bytes.count - done)
            }
            if count >= 0 { done += count } else if errno != EINTR { problem = errno }
        }
        if problem == 0, fsync(file) != 0 { problem = errno }
        if close(file) != 0, problem == 0 { problem = errno }
        if problem == 0, rename(temporary, path) != 0 { problem = errno }
        guard problem == 0 else {
            unlink(temporary)
            throw failure(path, problem)
        }
        sync(folder: (path as NSString).deletingLastPathComponent)
    }

    /// Writes a value as indented JSON with sorted keys.
    package static func write(json value: some Encodable, to path: String) throws(TrainingError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let text: String
        do { text = String(decoding: try encoder.encode(value), as: UTF8.self) } catch {
            throw TrainingError(.cannotWrite, "\(path) cannot be written: \(error)")
        }
        try write(text + "\n", to: path)
    }

    /// Makes a folder and those above it, for the owner only: models can reveal something about patients.
    package static func makeFolder(_ path: String) throws(TrainingError) {
        var prefix = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            prefix += "/" + part
            guard mkdir(prefix, 0o700) == 0 || errno == EEXIST else { throw failure(path, errno) }
        }
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
            throw TrainingError(.cannotWrite, "\(path) is not a folder: give another one with --out")
        }
    }

    /// Makes names in a folder last through a power cut; where the file system cannot, the files are already safe.
    private static func sync(folder: String) {
        let descriptor = open(folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    private static func failure(_ path: String, _ number: Int32) -> TrainingError {
        let advice =
            number == ENOSPC || number == EDQUOT ? "free space and run the same command again" : "check the path"
        return TrainingError(.cannotWrite, "\(path) cannot be written: \(String(cString: strerror(number))); \(advice)")
    }
}
