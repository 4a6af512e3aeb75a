import Imaging
import NIfTI

/// The scans of one case in memory, each file read once, and what was wrong with files and headers.
struct CaseScans {
    /// Scans that could be read; a 4D file gives one for each of its volumes.
    private(set) var images: [(contrast: Contrast, file: String, image: NIfTIImage)] = []
    private(set) var brain: NIfTIImage?
    private(set) var lesion: NIfTIImage?
    private(set) var findings: [Finding] = []

    /// Header sentences and where they were found, so that four files with one fault give one line.
    private var remarks: [(finding: Finding, places: [String])] = []

    init(_ record: CaseRecord) {
        for contrast in Contrast.allCases {
            guard let path = record.paths.contrasts[contrast], let image = read(path, as: contrast.rawValue) else {
                continue
            }
            if image.header.dims.count > 3, image.header.dims[3] > 1 {
                findings.append(
                    .problem(
                        .file,
                        "\(contrast.rawValue), \(path), holds \(image.header.dims[3]) volumes; a contrast is one volume, four in one file go into the column volume."
                    ))
            } else {
                images.append((contrast, path, image))
            }
        }
        if let path = record.paths.volume, let image = read(path, as: "volume") { divide(image, path) }
        if let path = record.paths.brain { brain = read(path, as: "brain") }
        if let path = record.mask { lesion = read(path, as: "mask") }
        if record.files.isEmpty {
            findings.append(
                .problem(.file, "No scan is named: give at least one of T1w, T1c, T2w, FLAIR, or a volume."))
        }
        findings += remarks.map { remark in
            var finding = remark.finding
            finding.message = "\(remark.places.joined(separator: ", ")): \(finding.message)"
            return finding
        }
    }

    private mutating func read(_ path: String, as place: String) -> NIfTIImage? {
        do {
            let image = try NIfTIFile.read(path)
            for field in image.header.identifyingFields {
                remark(.warning(.identifier, "\(field) may hold text about the patient; blank it."), place)
            }
            // Voxels are judged later, identifiers above, obliques for the cohort as a whole.
            let elsewhere = ["may hold patient text", "NaN or infinite", "every voxel has", "oblique:"]
            for sentence in image.header.warnings where !elsewhere.contains(where: sentence.contains) {
                let isSide = image.header.affineSource == .none && sentence.contains("unknown")
                remark(
                    .warning(isSide ? .leftRight : .header, sentence.hasSuffix(".") ? sentence : sentence + "."), place)
            }
            return image
        } catch {
            findings.append(.problem(.file, "\(place): \(error)."))
            return nil
        }
    }

    private mutating func remark(_ finding: Finding, _ place: String) {
        if let index = remarks.firstIndex(where: { $0.finding == finding }) {
            remarks[index].places.append(place)
        } else {
            remarks.append((finding, [place]))
        }
    }

    /// Takes a 4D file apart, in LaMIM order.
    private mutating func divide(_ image: NIfTIImage, _ path: String) {
        do {
            for (contrast, part) in try Preparation.contrasts(of: image).sorted(by: { $0.key < $1.key }) {
                images.append((contrast, path, part))
            }
        } catch {
            findings.append(.problem(.file, "volume, \(path): \(error)"))
        }
    }
}
