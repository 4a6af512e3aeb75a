import Imaging
import NIfTI

/// What only shows when cases are seen together.
struct CohortFindings {
    let manifest: Manifest
    /// What is not about one case.
    var findings: [Finding] = []

    /// Stored grids shared by at least so many cases say how a site stores its scans…
    private static let usualGrid = 5
    /// …and so many times more must be stored the one way than the other.
    private static let usualRatio = 4
    /// Cases named in one sentence.
    private static let mostListed = 5

    init(manifest: Manifest) {
        self.manifest = manifest
        if !manifest.namesPatients {
            findings.append(
                .warning(
                    .splitLeak,
                    "There is no column patient: each case counts as a patient of its own, and two scans of one person may be divided between training and test."
                ))
        }
    }

    /// One patient in several splits.
    mutating func leaks(into reports: inout [CaseReport]) {
        for patient in manifest.patientsInSeveralSplits {
            let theirs = manifest.cases.indices.filter { manifest.cases[$0].patient == patient }
            var list = theirs.prefix(Self.mostListed).map { index in
                "\(manifest.cases[index].id) in \(manifest.cases[index].split?.rawValue ?? "none")"
            }
            if theirs.count > list.count { list.append("and \(theirs.count - list.count) more") }
            for index in theirs {
                reports[index].add(
                    .problem(
                        .splitLeak,
                        "The patient is in several splits (\(list.joined(separator: ", "))): put all cases of a patient into one."
                    ))
            }
        }
    }

    /// One patient written in two ways, who would count as two. The names themselves are not repeated.
    mutating func spellings() {
        guard manifest.namesPatients else { return }
        var spellings: [String: [String: Int]] = [:]
        for record in manifest.cases {
            let key = record.patient.filter { !$0.isWhitespace }.lowercased()
            let row = record.row ?? 0
            spellings[key, default: [:]][record.patient] = spellings[key]?[record.patient] ?? row
        }
        let several = spellings.values.filter { $0.count > 1 }.map { $0.values.sorted() }
        for rows in several.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            let list = rows.prefix(Self.mostListed).map(String.init).joined(separator: ", ")
            let more = rows.count > Self.mostListed ? " and \(rows.count - Self.mostListed) more" : ""
            findings.append(
                .warning(
                    .splitLeak,
                    "The patients of rows \(list)\(more) differ only in letter case or spaces and count as different people: write one patient one way."
                ))
        }
    }

    /// Scans that hold the same voxels.
    mutating func copies(
        _ fingerprints: [[(contrast: Contrast, fingerprint: VoxelFingerprint)]], into reports: inout [CaseReport]
    ) {
        var first: [VoxelFingerprint: (index: Int, contrast: Contrast)] = [:]
        for (index, scans) in fingerprints.enumerated() {
            var own: [VoxelFingerprint: Contrast] = [:]
            for (contrast, fingerprint) in scans {
                if let twin = own.updateValue(contrast, forKey: fingerprint) {
                    reports[index].add(
                        .problem(
                            .duplicate,
                            "\(contrast.rawValue) holds the same voxels as \(twin.rawValue): one of the two is the wrong file."
                        ))
                    continue
                }
                guard let other = first[fingerprint] else {
                    first[fingerprint] = (index, contrast)
                    continue
                }
                let (here, there) = (manifest.cases[index], manifest.cases[other.index])
                if here.patient == there.patient {
                    reports[index].add(
                        .warning(
                            .duplicate,
                            "\(contrast.rawValue) holds the same voxels as \(other.contrast.rawValue) of \(there.name), the same patient: the scan counts twice."
                        ))
                } else {
                    // Whose it is cannot be seen, so neither can be used.
                    reports[index].add(.copy(contrast, of: other.contrast, in: there))
                    reports[other.index].add(.copy(other.contrast, of: contrast, in: here))
                }
            }
        }
    }

    /// Scans stored in the same grid as many others, but in the other sense.
    mutating func handedness(into reports: inout [CaseReport]) {
        var groups: [String: [(index: Int, scan: ScanFacts)]] = [:]
        for (index, report) in reports.enumerated() {
            guard let scan = report.reference else { continue }
            let spacing = scan.spacing.map { "\(($0 * 100).rounded())" }
            groups["\(scan.dims) \(spacing)", default: []].append((index, scan))
        }
        for group in groups.values where group.count >= Self.usualGrid {
            let right = group.filter(\.scan.isRightHanded)
            let left = group.filter { !$0.scan.isRightHanded }
            let (few, many) = right.count < left.count ? (right, left) : (left, right)
            guard !few.isEmpty, few.count * Self.usualRatio <= many.count else { continue }
            for entry in few {
                reports[entry.index].add(
                    .warning(
                        .leftRight,
                        "The scans are stored as \(entry.scan.orientation) where \(many.count) others of the same grid are stored as \(many[0].scan.orientation): left and right may be swapped."
                    ))
            }
        }
    }

    /// Native clinical series: a grid for each contrast, slices along the head's own axes. Counted, not listed.
    mutating func grids(_ reports: [CaseReport]) {
        func count(_ number: Int) -> String { number == 1 ? "1 case" : "\(number) cases" }
        let mixed = reports.count { report in
            report.scans.dropFirst().contains { scan in
                let first = report.scans[0]
                return scan.dims != first.dims
                    || zip(scan.spacing, first.spacing).contains { abs($0 - $1) > 0.001 * $1 }
            }
        }
        if mixed > 0 {
            findings.append(
                .note(.grid, "In \(count(mixed)) the contrasts differ in grid; they are resampled onto the finest."))
        }
        let angles = reports.map { $0.scans.map(\.obliqueDegrees).max() ?? 0 }.filter { $0 > 1 }
        if let largest = angles.max() {
            let tenths = (largest * 10).rounded() / 10
            findings.append(
                .note(
                    .grid,
                    "\(count(angles.count)) \(angles.count == 1 ? "lies" : "lie") oblique, by up to \(tenths)°; the axes are taken as the nearest of the body."
                ))
        }
    }

    /// Cases that look like the mirror image of the cohort.
    mutating func sides(_ thumbnails: [[Contrast: [Float]]], into reports: inout [CaseReport]) {
        var sides = CohortSides()
        for (index, thumbnail) in thumbnails.enumerated() { sides.add(thumbnail, index: index) }
        for index in sides.mirrored() {
            reports[index].add(
                .warning(
                    .leftRight,
                    "The brain fits the mirror image of the cohort better than the cohort: left and right may be swapped."
                ))
        }
    }

    /// Text that may name patients in the table itself and in the names of files.
    mutating func names() {
        func look(_ what: String, _ text: (CaseRecord) -> [String]) {
            let rows = manifest.cases.filter { text($0).contains(where: IdentifyingText.isLikely) }
            guard let first = rows.first else { return }
            let place =
                rows.count == 1
                ? "in row \(first.row ?? 0)" : "in \(rows.count) rows, the first of them \(first.row ?? 0)"
            findings.append(
                .warning(.identifier, "\(what) may tell a name, a date or a record number \(place): use pseudonyms."))
        }
        look("The case's name") { [$0.id] }
        if manifest.namesPatients { look("The patient's name") { [$0.patient] } }
        look("A file's name") { record in
            record.files.map { String($0.split(separator: "/").last ?? "") }
        }
        let old = manifest.cases.filter { ($0.facts.age ?? 0) > 89 }
        if !old.isEmpty {
            findings.append(
                .warning(
                    .identifier,
                    "Ages above 89 stand in \(old.count == 1 ? "1 row" : "\(old.count) rows"); HIPAA's Safe Harbor counts them as identifiers: write 90."
                ))
        }
    }

    /// Tasks and splits of one class only.
    mutating func classes(of task: LabelTask, splits: [Split], isAsked: Bool) {
        guard task.classes.count > 1 else {
            let message =
                "Every label in column \(task.column) is \"\(task.classes[0])\": nothing can be learnt from one class only."
            findings.append(isAsked ? .problem(.label, message) : .warning(.label, message))
            return
        }
        for split in Split.allCases {
            let labels = Set(
                zip(manifest.cases, splits).filter { $0.1 == split }.compactMap { $0.0.labels[task.column] })
            guard labels.count < 2 else { continue }
            let what = labels.first.map { "only cases of \($0)" } ?? "no case"
            let origin = manifest.hasSplit ? "" : " (the manifest names no split; cases are divided by patient)"
            findings.append(
                .warning(
                    .label,
                    "The split \(split.rawValue) has \(what) for \(task.column)\(origin): it can measure nothing."))
        }
    }
}

extension Finding {
    fileprivate static func copy(_ contrast: Contrast, of other: Contrast, in record: CaseRecord) -> Finding {
        .problem(
            .duplicate,
            "\(contrast.rawValue) holds the same voxels as \(other.rawValue) of \(record.name), another patient: remove one, or correct the patient."
        )
    }
}
