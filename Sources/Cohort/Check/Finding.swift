/// Something the check has to say about a case or the cohort.
package struct Finding: Sendable, Equatable, Codable {
    /// What follows from it.
    package enum Severity: String, Sendable, Codable {
        /// The case cannot be used as it is.
        case problem
        /// A person should look.
        case warning
        /// Usual in clinical data; good to know.
        case note
    }

    /// What kind of thing was found, for programs.
    package enum Kind: String, Sendable, Codable, CaseIterable {
        /// A file is missing, unreadable or not a scan.
        case file
        /// Voxels are NaN or infinite.
        case nonFinite = "non_finite"
        /// Contrasts do not lie in the same place.
        case noOverlap = "no_overlap"
        /// Skull and scalp are in the picture.
        case notBrainExtracted = "not_brain_extracted"
        /// Nothing, or nothing usable, is in the scans.
        case noBrain = "no_brain"
        /// A contrast is absent although a file or channel stands for it.
        case absent
        /// One patient's cases are in several splits.
        case splitLeak = "split_leak"
        /// Two scans hold the same voxels.
        case duplicate
        /// The task has one class only, or a label outside it.
        case label
        /// Text that may say who the patient is.
        case identifier
        /// Left and right may be swapped, or are not known.
        case leftRight = "left_right"
        /// The header says something unusual.
        case header
        /// The label can be told from how the pictures were taken.
        case shortcut
        /// Contrasts differ in grid, or lie oblique.
        case grid
        /// What the preparation noticed.
        case preparation
    }

    package var severity: Severity
    package var kind: Kind
    /// One sentence; it never repeats text that may name a patient.
    package var message: String

    package static func problem(_ kind: Kind, _ message: String) -> Finding {
        Finding(severity: .problem, kind: kind, message: message)
    }

    package static func warning(_ kind: Kind, _ message: String) -> Finding {
        Finding(severity: .warning, kind: kind, message: message)
    }

    package static func note(_ kind: Kind, _ message: String) -> Finding {
        Finding(severity: .note, kind: kind, message: message)
    }
}
