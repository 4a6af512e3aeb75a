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

    /// Rows of numbers of mean 0 and standard deviation 1 as measured on some of the rows; unknown values become 0.
    static func standardised(_ rows: [[Double?]], by chosen: [Int]) -> [[Double]] {
        let count = rows.first?.count ?? 0
        let moments = (0..<count).map { column in
            let known = chosen.compactMap { rows[$0][column] }
            guard !known.isEmpty else { return (mean: 0.0, scale: 0.0) }
            let mean = known.reduce(0, +) / Double(known.count)
            let variance = known.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(known.count)
            // A column that says the same of every case says nothing, whatever another fold holds.
            return (mean, variance > 1e-12 * (mean * mean + 1e-12) ? 1 / variance.squareRoot() : 0)
        }
        return rows.map { row in
            zip(row, moments).map { value, moment in value.map { ($0 - moment.mean) * moment.scale } ?? 0 }
        }
    }
}
