import ArgumentParser
import Cohort
import Foundation
import Imaging

/// `agent check`: reads a cohort whole, before anything is trained on it.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Read every scan of a manifest and say what is wrong with it.",
        discussion: """
            Prints a row for each case, a table 1 with counts under five withheld, and whether the label can be \
            predicted from presence, spacing, volume and intensity alone. Nothing leaves this machine. \
            Exit code 1 when a case cannot be used.
            """)

    @Option(
        help: ArgumentHelp(
            "The manifest: CSV with the columns case, patient, T1w, T1c, T2w, FLAIR or volume, brain, mask, split and a column for each task.",
            valueName: "manifest.csv"))
    var data: String

    @Option(help: ArgumentHelp("The label column; all of them by default.", valueName: "column"))
    var task: String?

    @Option(help: "How cases are prepared.")
    var recipe = Recipe.Name.consilium

    @Option(help: "Whether scans that are not brain-extracted pass.")
    var unstripped = Unstripped.refuse

    @Option(help: "Edge of the prepared cube in voxels; give the size of the model.")
    var size = 96

    @Option(help: "Three letters the prepared axes point to, such as RAS, or stored; by default the recipe's own.")
    var orientation: String?

    @Option(help: ArgumentHelp("Write a picture of each case into this folder.", valueName: "dir"))
    var pictures: String?

    @Option(help: "Cases read at the same time; each may take half a gigabyte. At most 8 by default.")
    var threads = min(8, Preparation.defaultThreads)

    @Flag(help: "Print one JSON object instead.")
    var json = false

    func validate() throws {
        guard (1...256).contains(threads) else { throw ValidationError("Give 1 to 256 threads.") }
    }

    func run() throws {
        let recipe = Recipe(name: recipe, size: size, orientation: orientation, unstripped: unstripped == .allow)
        try recipe.check()
        let manifest = try Manifest.read(data)
        let check = try CohortCheck(manifest: manifest, column: task, recipe: recipe, threads: threads)
        let album = try pictures.map { try PictureFolder($0) }
        // A person at a terminal sees that it goes on; logs and pipes stay clean.
        let isWatched = isatty(STDERR_FILENO) == 1
        let count = manifest.cases.count
        let report = try check.run(
            picture: { record, volume in try album?.draw(record, volume) },
            progress: { done in
                guard isWatched else { return }
                let line = "\r\(done) of \(count) cases read\(done == count ? "\n" : "")"
                FileHandle.standardError.write(Data(line.utf8))
            })
        print(json ? try report.json() : report.text)
        if !report.isUsable { throw ExitCode(1) }
    }
}

/// The folder of `--pictures`: one PNG a case, for the owner only, as they show patients.
private struct PictureFolder: Sendable {
    let path: String

    init(_ path: String) throws {
        self.path = path
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
            guard isFolder.boolValue else {
                throw CohortError(.unreadable, "The picture folder \(path) is a file: choose another name.")
            }
            try close()
            return
        }
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw CohortError(.unreadable, "The picture folder \(path) cannot be made: choose one you may write to.")
        }
    }

    /// Makes an empty folder the owner's alone, and refuses one with files in it that others may read.
    private func close() throws {
        let files = FileManager.default
        let permissions = try? files.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber
        guard let permissions, permissions.intValue & 0o077 != 0 else { return }
        guard (try? files.contentsOfDirectory(atPath: path))?.isEmpty == true,
            (try? files.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)) != nil
        else {
            throw CohortError(
                .unreadable,
                "The picture folder \(path) can be read by others and pictures show patients: choose a new one, or chmod 700 it."
            )
        }
    }

    func draw(_ record: CaseRecord, _ volume: PreparedVolume) throws {
        try ContactSheet(of: volume).write(to: "\(path)/\(record.id).png")
    }
}
