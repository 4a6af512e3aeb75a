import Foundation

/// The folder of a synthetic cohort while it is made: a hidden one beside the target, which takes the target's name when
/// everything is in it.
struct CohortFolder: Sendable {
    /// The file by which an earlier cohort is recognised.
    static let markerName = "cohort.json"

    private let target: URL
    private let working: URL

    /// Checks the target and the space, and makes the working folder.
    init(_ target: String, bytesNeeded: Int) throws(SynthesisError) {
        guard !target.isEmpty, !target.utf8.contains(0) else {
            throw SynthesisError(.badSetting, "the folder to write has no name; give one with --out")
        }
        let url = URL(fileURLWithPath: target, isDirectory: true).standardizedFileURL
        self.target = url
        let unique = String(UInt64.random(in: .min ... .max), radix: 36)
        working = url.deletingLastPathComponent()
            .appendingPathComponent(".\(url.lastPathComponent).\(unique).partial", isDirectory: true)
        try Self.checkReplaceable(url)
        let parent = url.deletingLastPathComponent()
        do {
            try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
            try Self.checkSpace(parent, bytesNeeded: bytesNeeded)
            try FileManager.default.createDirectory(at: working, withIntermediateDirectories: false)
        } catch let error as SynthesisError {
            throw error
        } catch {
            throw Self.failure(url.path, error)
        }
    }

    /// The path of a file being made.
    func path(_ name: String) -> String { working.appendingPathComponent(name).path }

    func makeFolder(_ name: String) throws(SynthesisError) {
        do {
            try FileManager.default.createDirectory(atPath: path(name), withIntermediateDirectories: false)
        } catch {
            throw Self.failure(target.path + "/" + name, error)
        }
    }

    func write(_ text: String, to name: String) throws(SynthesisError) {
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path(name)))
        } catch {
            throw Self.failure(target.path + "/" + name, error)
        }
    }

    /// Gives the finished folder its name, in place of an earlier cohort or an empty folder.
    func commit() throws(SynthesisError) {
        let old = working.appendingPathExtension("old")
        let files = FileManager.default
        do {
            // Someone may have used the folder meanwhile.
            try Self.checkReplaceable(target)
            let isThere = files.fileExists(atPath: target.path)
            if isThere { try files.moveItem(at: target, to: old) }
            do {
                try files.moveItem(at: working, to: target)
            } catch {
                if isThere { try? files.moveItem(at: old, to: target) }
                throw error
            }
            if isThere { try files.removeItem(at: old) }
        } catch let error as SynthesisError {
            throw error
        } catch {
            throw Self.failure(target.path, error)
        }
    }

    /// Removes what was made so far.
    func abandon() {
        // It may be gone already; nothing better can be done about an error here.
        try? FileManager.default.removeItem(at: working)
    }

    /// A folder may be replaced when it is empty or holds an earlier cohort and nothing else.
    private static func checkReplaceable(_ url: URL) throws(SynthesisError) {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else { return }
        let entries = isFolder.boolValue ? try? FileManager.default.contentsOfDirectory(atPath: url.path) : nil
        guard let entries else {
            throw SynthesisError(
                .folderInUse, "\(url.path) is not a folder that can be read; choose another place for the cohort")
        }
        guard !entries.isEmpty else { return }
        let known = entries.allSatisfy {
            ["manifest.csv", "truth.csv", markerName].contains($0) || $0.hasPrefix("site-")
        }
        let marker = (try? String(contentsOf: url.appendingPathComponent(markerName), encoding: .utf8)) ?? ""
        guard known, marker.hasPrefix("{\"generator\":\"consilium synthesize\"") else {
            throw SynthesisError(
                .folderInUse,
                "\(url.path) already holds files that are not a synthetic cohort; choose an empty or new folder")
        }
    }

    private static func checkSpace(_ parent: URL, bytesNeeded: Int) throws {
        let attributes = try FileManager.default.attributesOfFileSystem(forPath: parent.path)
        guard let free = (attributes[.systemFreeSize] as? NSNumber)?.int64Value, free < Int64(bytesNeeded) else {
            return
        }
        throw SynthesisError(
            .diskFull,
            "\(parent.path) has \(free / 1_000_000) MB free and the cohort may need \(bytesNeeded / 1_000_000) MB; "
                + "free some space or make fewer cases")
    }

    private static func failure(_ path: String, _ error: any Error) -> SynthesisError {
        let cocoa = error as NSError
        let cause = (cocoa.userInfo[NSUnderlyingErrorKey] as? NSError) ?? cocoa
        let reason =
            cause.domain == NSPOSIXErrorDomain
            ? String(cString: strerror(Int32(cause.code))) : cause.localizedDescription
        return SynthesisError(
            .cannotWrite, "\(path) cannot be written: \(reason); check the folder and its free space")
    }
}
