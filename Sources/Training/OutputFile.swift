import Files
import Foundation

/// The small files of a run: texts and JSON, there whole or not at all.
package enum OutputFile {
    /// Writes a text.
    /// - Throws: ``TrainingError`` naming the file; what was there before stays.
    package static func write(_ text: String, to path: String) throws(TrainingError) {
        do throws(FileError) { try DurableFile.write(text.utf8, to: path) } catch {
            throw TrainingError(.cannotWrite, error.description)
        }
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
            guard mkdir(prefix, 0o700) == 0 || errno == EEXIST else {
                throw TrainingError(
                    .cannotWrite, "\(path) cannot be made: \(String(cString: strerror(errno))); check the path")
            }
        }
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
            throw TrainingError(.cannotWrite, "\(path) is not a folder: give another one with --out")
        }
    }
}
