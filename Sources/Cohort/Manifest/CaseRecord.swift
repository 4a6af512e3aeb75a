package import Imaging

/// One examination of one patient, as the manifest or a folder names it. Nothing has been read yet.
package struct CaseRecord: Sendable, Equatable {
    /// What is known of the examination beside its scans; nil where the manifest is silent.
    package struct Facts: Sendable, Equatable {
        package var timepoint: String?
        package var treatment: String?
        /// Where the labels come from: histology, sequencing, a reader.
        package var labelMethod: String?
        /// Years, 0…130.
        package var age: Double?
        /// `female`, `male` or what the manifest says.
        package var sex: String?
        package var scanner: String?
        /// Field strength in tesla.
        package var field: Double?
        package init() {}
    }

    /// Unique in the manifest; names pictures and predictions, so it holds no `/`.
    package var id: String
    /// Whose examination it is; the case itself where the manifest does not say.
    package var patient: String
    /// The manifest's file; nil for a folder.
    package var source: String?
    /// The manifest's row as a spreadsheet numbers it; nil for a folder.
    package var row: Int?
    /// The scans and the brain mask, as absolute paths or relative to the working directory.
    package var paths: CasePaths
    /// A mask of the lesion; not an input of the encoder.
    package var mask: String?
    /// Nil where the manifest has no split.
    package var split: Split?
    package var facts = Facts()
    /// Task column to label, as written; tasks this case has no label for are absent.
    package var labels: [String: String] = [:]

    package init(id: String, patient: String? = nil, row: Int? = nil, paths: CasePaths = CasePaths()) {
        self.id = id
        self.patient = patient ?? id
        self.row = row
        self.paths = paths
    }

    /// Every file the case names, contrasts first.
    package var files: [String] {
        Contrast.allCases.compactMap { paths.contrasts[$0] } + [paths.volume, paths.brain, mask].compactMap { $0 }
    }

    /// `case BraTS-00001 (row 7)`, for sentences.
    package var name: String { "case \(id)" + (row.map { " (row \($0))" } ?? "") }
}
