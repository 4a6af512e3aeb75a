import Imaging

/// What can be known of a case without looking at the brain: which contrasts there are, how large the voxels and the
/// brain, how bright the scans.
struct TrivialFeatures {
    /// Names of the features, for sentences.
    static let names: [String] =
        Contrast.allCases.map { "presence of \($0.rawValue)" }
        + ["smallest voxel edge", "largest voxel edge", "volume"]
        + Contrast.allCases.flatMap { contrast in
            ScanFacts.percentileRanks.map { "\(contrast.rawValue) intensity, percentile \(Int($0))" }
        }

    /// One a name; nil where the case does not say.
    let values: [Double?]

    init(_ report: CaseReport) {
        let scans = report.scans.filter { report.contrasts.contains($0.contrast) }
        var values: [Double?] = Contrast.allCases.map { report.contrasts.contains($0) ? 1 : 0 }
        values.append(scans.flatMap(\.spacing).min())
        values.append(scans.flatMap(\.spacing).max())
        values.append(report.brainMillilitres)
        for contrast in Contrast.allCases {
            let scan = scans.first { $0.contrast == contrast }
            for index in ScanFacts.percentileRanks.indices {
                values.append(scan.flatMap { index < $0.percentiles.count ? Double($0.percentiles[index]) : nil })
            }
        }
        self.values = values
    }

    /// One row a case; what a case does not say stands at the mean of those that do, where it tells nothing.
    static func table(_ reports: [CaseReport]) -> [[Double]] {
        let rows = reports.map { TrivialFeatures($0).values }
        let means = names.indices.map { column in
            let known = rows.compactMap { $0[column] }
            return known.isEmpty ? 0 : known.reduce(0, +) / Double(known.count)
        }
        return rows.map { row in zip(row, means).map { $0 ?? $1 } }
    }
}
