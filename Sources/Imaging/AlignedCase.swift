import NIfTI

/// The usable contrasts of a case on one grid, each surveyed, and what was noticed on the way.
struct AlignedCase: Sendable {
    /// One contrast on the common grid.
    struct Channel: Sendable {
        let contrast: Contrast
        let rows: VoxelRows
        let survey: Survey
        /// Values at the recipe's percentiles inside the brain: of the scan as it came, whose edge is not yet mixed with
        /// background by resampling; inside the mask where there is one.
        let percentiles: [Float]
        /// As it came, before it was brought to the common grid.
        let extraction: BrainExtraction
    }

    /// In LaMIM order; at least one.
    let channels: [Channel]
    /// The contrast whose grid is the common one.
    let reference: Contrast
    let grid: Grid
    /// 1 inside the brain, in the common grid.
    let mask: [UInt8]?
    var warnings: [String]

    /// Below this part of the smaller volume, two scans do not show the same place.
    private static let leastOverlap = 0.1
    /// Below this part a person should look.
    private static let usualOverlap = 0.6

    init(_ scans: [(Contrast, Scan)], brain: Scan?, recipe: Recipe, threads: Int) throws {
        var warnings: [String] = []
        let percentiles = recipe.tonePercentiles
        // Without a mask the first survey is already the one the recipe needs.
        let first = try mapInParallel(scans.count, threads: threads) { index in
            Survey(of: scans[index].1, mask: nil, percentiles: brain == nil ? percentiles : [])
        }
        var kept: [(contrast: Contrast, scan: Scan, survey: Survey)] = []
        for ((contrast, scan), survey) in zip(scans, first) {
            warnings += scan.remarks.map { "\(scan.role): \($0)." }
            try AlignedCase.requireNumbers(scan, survey, recipe: recipe, warnings: &warnings)
            if survey.isConstant {
                warnings.append("\(scan.role) has the same value everywhere and counts as absent.")
            } else {
                kept.append((contrast, scan, survey))
            }
        }
        guard !kept.isEmpty else {
            throw ImagingError(
                .noContrast,
                "\(scans[0].1.name) and every other scan of the case have one value everywhere: export them again.")
        }
        try AlignedCase.requireRange(kept.map { ($0.scan, $0.survey) })
        let finest = FinestGrid.index(of: kept.map(\.scan.grid.affine.spacing)) ?? 0
        let target = kept[finest].scan
        for (index, entry) in kept.enumerated() where index != finest {
            try AlignedCase.requireOverlap(entry.scan, target, warnings: &warnings)
        }
        let mask = try brain.map { brain in
            try AlignedCase.requireOverlap(brain, target, warnings: &warnings)
            return try AlignedCase.mask(brain, on: target.grid, threads: threads)
        }
        // LaMIM scales the range of extracted brains, whose outside is 0; the scan's own air would shift it.
        let outside: Background? = mask != nil && !recipe.name.cropsToBrain ? .zero : nil
        let entries = kept
        channels = try mapInParallel(entries.count, threads: threads) { index in
            let (contrast, scan, survey) = entries[index]
            let extraction = BrainExtraction(of: survey)
            let moves = !scan.grid.matches(target.grid)
            let here =
                moves
                ? GridResampling.bring(
                    scan, to: target.grid, outside: survey.background.value, cleans: survey.nonFinite > 0) : scan
            let surveyed =
                moves || mask != nil
                ? Survey(
                    of: here, mask: mask, percentiles: mask == nil ? [] : percentiles, background: outside) : survey
            let rows = VoxelRows(
                scan: here, mask: mask, background: surveyed.background, cleans: survey.nonFinite > 0, tone: .stored)
            return Channel(
                contrast: contrast, rows: rows, survey: surveyed,
                percentiles: mask == nil ? survey.percentiles : surveyed.percentiles, extraction: extraction)
        }
        let moved = entries.filter { !$0.scan.grid.matches(target.grid) && $0.scan.grid.view(as: target.grid) == nil }
        if !moved.isEmpty {
            let names = moved.map { $0.contrast.rawValue }.joined(separator: ", ")
            warnings.append("\(names) had another grid and was resampled onto that of \(target.role).")
        }
        let oblique = Orientation(affine: target.grid.affine).obliqueDegrees
        if oblique > 1 {
            let degrees = (oblique * 10).rounded() / 10
            warnings.append("\(target.role) lies \(degrees)° oblique; its axes were taken as the nearest of the body.")
        }
        self.mask = mask
        self.warnings = warnings
        reference = entries[finest].contrast
        grid = target.grid
    }

    /// Refuses a case with skull and scalp, or says so where the recipe allows it. A mask takes them off.
    mutating func requireBrainsOnly(recipe: Recipe) throws {
        guard mask == nil else { return }
        for channel in channels where !channel.extraction.isExtracted {
            let name = channel.rows.scan.name
            guard recipe.unstripped else {
                throw ImagingError(
                    .notBrainExtracted,
                    "\(name) is not brain-extracted (\(channel.extraction.reason)): extract the brain first, "
                        + "give a brain mask, or let it pass with `--unstripped allow`.")
            }
            warnings.append("\(channel.rows.scan.role) is not brain-extracted (\(channel.extraction.reason)).")
        }
    }

    private static func requireNumbers(
        _ scan: Scan, _ survey: Survey, recipe: Recipe, warnings: inout [String]
    ) throws {
        guard survey.nonFinite > 0 else { return }
        let count = survey.nonFinite == 1 ? "1 voxel" : "\(survey.nonFinite) voxels"
        guard recipe.nonFinite == .replace else {
            throw ImagingError(
                .nonFinite,
                "\(scan.name) has \(count) that are NaN or infinite: export it again, "
                    + "or replace them in the file by the background's value.")
        }
        warnings.append("\(scan.role) had \(count) NaN or infinite, made background.")
    }

    /// Refuses finite values so far apart that their difference, and so their range, is not.
    private static func requireRange(_ scans: [(scan: Scan, survey: Survey)]) throws {
        let low = scans.reduce(Float.infinity) { min($0, $1.survey.minimum) }
        let high = scans.reduce(-Float.infinity) { max($0, $1.survey.maximum) }
        guard !(high - low).isFinite else { return }
        func size(_ survey: Survey) -> Float { max(abs(survey.minimum), abs(survey.maximum)) }
        let widest = scans.max { size($0.survey) < size($1.survey) }?.scan.name ?? ""
        throw ImagingError(
            .nonFinite, "\(widest) has values beyond any measurement, \(low) to \(high) in the case: export it again.")
    }

    private static func requireOverlap(_ scan: Scan, _ target: Scan, warnings: inout [String]) throws {
        let shared = max(scan.grid.overlap(with: target.grid), target.grid.overlap(with: scan.grid))
        let percent = Int((shared * 100).rounded())
        if shared < leastOverlap {
            throw ImagingError(
                .noOverlap,
                "\(scan.name) does not lie where \(target.name) does (\(percent) % of the smaller lies within the other): "
                    + "check that both are of this patient and registered.")
        }
        if shared < usualOverlap {
            warnings.append(
                "Of the smaller of \(scan.role) and \(target.role) only \(percent) % lies within the other.")
        }
    }

    private static func mask(_ brain: Scan, on grid: Grid, threads: Int) throws -> [UInt8] {
        let mask = GridResampling.nearest(brain, on: grid, threads: threads) { $0 > 0.5 ? UInt8(1) : 0 }
        guard mask.contains(1) else {
            throw ImagingError(
                .noBrain, "\(brain.name) marks no voxel of the scans: give the mask of this case, above ½ inside.")
        }
        return mask
    }
}
