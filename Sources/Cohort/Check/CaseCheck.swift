import Imaging
import NIfTI

/// Reads one case whole, once, and says what is in it and what is wrong with it.
///
/// Memory: the case's voxels as floats, 36 MB for each scan of 240×240×155, and the prepared cube.
struct CaseCheck {
    /// For the person.
    var report: CaseReport
    /// Which scans hold what, to find copies.
    var fingerprints: [(contrast: Contrast, fingerprint: VoxelFingerprint)] = []
    /// For ``CohortSides``.
    var thumbnails: [Contrast: [Float]] = [:]
    /// The case as a model would see it; nil when it cannot be prepared.
    var prepared: PreparedVolume?

    /// Edge of the cube in which left and right are compared when the recipe itself has no fixed sides.
    private static let sidesSize = 48

    init(_ record: CaseRecord, recipe: Recipe, task: LabelTask?) {
        report = CaseReport(id: record.id, patient: record.patient, row: record.row)
        do { _ = try task?.label(of: record) } catch { report.add(.problem(.label, error.message)) }
        let scans = CaseScans(record)
        for finding in scans.findings { report.add(finding) }
        for (contrast, file, image) in scans.images {
            let survey = Survey(of: image, percentiles: ScanFacts.percentileRanks)
            report.scans.append(ScanFacts(contrast: contrast, file: file, image: image, survey: survey))
            guard !survey.isConstant else { continue }
            if let fingerprint = VoxelFingerprint(of: image.voxels, background: survey.background.value) {
                fingerprints.append((contrast, fingerprint))
            }
        }
        let empty = report.scans.filter(\.isConstant).map(\.contrast.rawValue)
        if !empty.isEmpty, empty.count < report.scans.count {
            let verbs = empty.count == 1 ? "has one value everywhere and counts" : "have one value everywhere and count"
            report.add(.warning(.absent, "\(empty.joined(separator: ", ")) \(verbs) as absent."))
        }
        report.contrasts = report.scans.filter { !$0.isConstant }.map(\.contrast)
        report.brainMillilitres = report.reference?.foregroundMillilitres
        lookAtHandedness()
        if let lesion = scans.lesion { look(at: lesion, beside: scans.images.map(\.image)) }
        // What is not there cannot be prepared, and has been said.
        guard !scans.images.isEmpty else { return }
        prepare(scans, recipe: recipe)
    }

    private mutating func prepare(_ scans: CaseScans, recipe: Recipe) {
        let contrasts = Dictionary(uniqueKeysWithValues: scans.images.map { ($0.contrast, $0.image) })
        do {
            let volume = try Preparation.prepare(contrasts: contrasts, brain: scans.brain, recipe: recipe, threads: 1)
            prepared = volume
            // What is in the headers has been said; grids and angles are told for the cohort as a whole.
            let said =
                scans.images.flatMap(\.image.header.warnings) + ["counts as absent", " had another grid", "° oblique"]
            for sentence in volume.warnings where !said.contains(where: sentence.contains) {
                report.add(.warning(.preparation, sentence))
            }
            let hasSides = recipe.orientation == "RAS"
            let sided =
                hasSides
                ? volume
                : try Preparation.prepare(
                    contrasts: contrasts, brain: scans.brain,
                    recipe: Recipe(size: Self.sidesSize, unstripped: recipe.unstripped, nonFinite: recipe.nonFinite),
                    threads: 1)
            compareSides(sided)
        } catch let error as ImagingError {
            report.add(.problem(Self.kind(of: error), error.message))
        } catch {
            report.add(.problem(.file, "\(error)"))
        }
    }

    private mutating func compareSides(_ volume: PreparedVolume) {
        thumbnails = CohortSides.thumbnails(volume)
        for (contrast, other) in SideComparison(volume).mirrored {
            report.add(
                .warning(
                    .leftRight,
                    "\(contrast.rawValue) fits the mirror image of \(other.rawValue) better than \(other.rawValue) itself: left and right may be swapped in one of them."
                ))
        }
    }

    /// Scans stored in one grid whose headers run in opposite senses: one of the headers may be wrong.
    private mutating func lookAtHandedness() {
        guard let first = report.scans.first else { return }
        for scan in report.scans.dropFirst()
        where scan.dims == first.dims && scan.isRightHanded != first.isRightHanded {
            report.add(
                .warning(
                    .leftRight,
                    "\(scan.contrast.rawValue) is stored as \(scan.orientation) and \(first.contrast.rawValue) as \(first.orientation) in the same grid: left and right may be swapped in one of them."
                ))
        }
    }

    private mutating func look(at lesion: NIfTIImage, beside scans: [NIfTIImage]) {
        let survey = Survey(of: lesion)
        if survey.nonFinite > 0 {
            report.add(.warning(.nonFinite, "The lesion mask has \(survey.nonFinite) voxels that are NaN or infinite."))
        }
        if survey.isConstant { report.add(.warning(.absent, "The lesion mask marks nothing.")) }
        let volumes = lesion.header.dims.dropFirst(3).reduce(1, *)
        if volumes > 1 { report.add(.warning(.file, "The lesion mask holds \(volumes) volumes: the first is taken.")) }
        if !scans.isEmpty, !scans.contains(where: lesion.hasVoxels) {
            let size = lesion.header.dims.prefix(3).map(String.init).joined(separator: "×")
            report.add(
                .warning(
                    .grid,
                    "The lesion mask's grid, \(size), is that of none of the scans: what it marks may lie elsewhere; resample it onto one of them."
                ))
        }
    }

    private static func kind(of error: ImagingError) -> Finding.Kind {
        switch error.code {
        case .nonFinite: .nonFinite
        case .noOverlap: .noOverlap
        case .notBrainExtracted: .notBrainExtracted
        case .noBrain, .noContrast: .noBrain
        case .wrongVolumes: .file
        case .badSetting, .notWritten: .preparation
        }
    }
}
