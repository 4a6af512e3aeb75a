import Cryptography

/// What a case is used for. A patient's cases are all in one split.
package enum Split: String, CaseIterable, Codable, Sendable {
    /// Fits the weights.
    case train
    /// Chooses between models: epoch, threshold, settings.
    case select
    /// Looked at once, at the end.
    case test

    /// The share of the patients each split gets where the manifest does not say, in per cent.
    package var percent: Int {
        switch self {
        case .train: 60
        case .select, .test: 20
        }
    }

    /// Divides patients 60 : 20 : 20 within every stratum.
    ///
    /// Patients are taken in the order of SHA-256(1, patient), so that the result depends on the names only: not on the
    /// machine and not on the order of the rows. Each goes to the split that lacks most of its share in the stratum, then
    /// of its share of all.
    ///
    /// - Parameter strata: patient to stratum, such as the label.
    /// - Returns: patient to split.
    static func divide(strata: [String: String]) -> [String: Split] {
        var ordered: [(stratum: String, key: String, patient: String)] = strata.map { patient, stratum in
            var hash = SHA256()
            hash.update("consilium split 1\n")
            hash.update(patient)
            return (stratum, hash.finish(), patient)
        }
        ordered.sort { ($0.stratum, $0.key) < ($1.stratum, $1.key) }

        var result: [String: Split] = [:]
        var all = [Split: Int]()
        var within = [Split: Int]()
        var stratum: String?
        for entry in ordered {
            if stratum != entry.stratum {
                stratum = entry.stratum
                within = [:]
            }
            // In hundredths of a patient, as whole numbers: what each split would still be owed with this patient counted.
            func owed(_ counts: [Split: Int], _ split: Split) -> Int {
                split.percent * (counts.values.reduce(0, +) + 1) - 100 * counts[split, default: 0]
            }
            func rank(_ split: Split) -> (Int, Int) { (owed(within, split), owed(all, split)) }
            var best = Split.train
            for split in [Split.select, .test] where rank(split) > rank(best) { best = split }
            result[entry.patient] = best
            within[best, default: 0] += 1
            all[best, default: 0] += 1
        }
        return result
    }
}
