import Glibc
import Imaging

/// Finds the scans of one case in a folder by the names that BraTS and its users give them.
package enum CaseFolder {
    private static let lesionWords: Set<String> = ["seg", "mask", "lesion", "label", "labels", "segmentation"]

    /// Reads the names in a folder; no scan is opened.
    ///
    /// `*t1c.nii.gz`, `*-t1n.nii`, `*_flair.nii.gz` and the like become contrasts, `volume.nii.gz` the 4D file,
    /// `*brainmask*` the brain, `*seg*` or `*mask*` the lesion. A path to one 4D file is a case too.
    /// - Throws: ``CohortError`` when there is nothing, two files for one contrast, or a name of two contrasts.
    package static func read(_ path: String) throws(CohortError) -> CaseRecord {
        var facts = stat()
        guard stat(path, &facts) == 0 else {
            throw CohortError(.badFolder, "The case \(path) cannot be opened: \(FileBytes.reason()); check the path.")
        }
        if facts.st_mode & S_IFMT == S_IFREG, let stem = stem(of: lastComponent(path)) {
            return CaseRecord(id: stem, paths: CasePaths(volume: path))
        }
        guard let folder = opendir(path) else {
            throw CohortError(
                .badFolder,
                "The case \(path) is neither a folder of .nii or .nii.gz files nor one of them; give one of the two.")
        }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return try record(id: lastComponent(path), folder: path.hasSuffix("/") ? path : path + "/", names: names)
    }

    /// Makes a case of the names in a folder: a pure function.
    package static func record(id: String, folder: String, names: [String]) throws(CohortError) -> CaseRecord {
        var record = CaseRecord(id: id)
        var chosen: [Contrast: String] = [:]
        for name in names.sorted() {
            guard let stem = stem(of: name)?.lowercased() else { continue }
            let parts = stem.split(whereSeparator: { "-_. ".contains($0) }).map(String.init)
            if stem == "volume" {
                guard record.paths.volume == nil else {
                    throw CohortError(
                        .badFolder, "The case folder \(folder) holds volume.nii and volume.nii.gz; keep one.")
                }
                record.paths.volume = folder + name
            } else if parts.contains("brainmask") || (parts.contains("brain") && parts.contains("mask")) {
                record.paths.brain = folder + name
            } else if !lesionWords.isDisjoint(with: parts) {
                record.mask = folder + name
            } else if let contrast = try ScanName.contrast(of: parts, file: folder + name) {
                if let other = chosen.updateValue(name, forKey: contrast) {
                    throw CohortError(
                        .badFolder,
                        "The case folder \(folder) holds two files that look like \(contrast.rawValue), \(other) and \(name); keep one."
                    )
                }
                record.paths.contrasts[contrast] = folder + name
            }
        }
        guard record.paths.volume == nil || chosen.isEmpty else {
            throw CohortError(
                .badFolder, "The case folder \(folder) holds a volume and single contrasts; keep one or the other.")
        }
        guard record.paths.volume != nil || !chosen.isEmpty else {
            throw CohortError(
                .badFolder,
                "The case folder \(folder) holds no scan known by its name; name them T1w, T1c, T2w, FLAIR (.nii or .nii.gz) or volume.nii.gz."
            )
        }
        return record
    }

    /// A name without `.nii` or `.nii.gz`; nil for other files.
    private static func stem(of name: String) -> String? {
        for ending in [".nii.gz", ".nii"] where name.lowercased().hasSuffix(ending) && name.count > ending.count {
            return String(name.dropLast(ending.count))
        }
        return nil
    }

    /// The last name of a path; `.` and `..` are looked up.
    private static func lastComponent(_ path: String) -> String {
        var parts = path.split(separator: "/").map(String.init)
        if parts.last == nil || parts.last == "." || parts.last == ".." {
            guard let real = realpath(path, nil) else { return "case" }
            defer { free(real) }
            parts = String(cString: real).split(separator: "/").map(String.init)
        }
        return parts.last ?? "case"
    }
}
