/// What the check found about a cohort.
package struct CohortReport: Sendable, Codable {
    /// The manifest's file.
    package var manifest: String
    /// The recipe cases were prepared with, as one line.
    package var recipe: String
    /// The task named, or the only one there is.
    package var task: LabelTask?
    /// In the order of the manifest.
    package var cases: [CaseReport]
    /// What is not about one case.
    package var findings: [Finding]
    package var tableOne: TableOne
    /// One for each task looked at.
    package var trivialModels: [TrivialModel]

    /// Whether every case, and the cohort as a whole, can be used.
    package var isUsable: Bool {
        cases.allSatisfy(\.isUsable) && !findings.contains { $0.severity == .problem }
    }

    /// How many cases cannot be used.
    package var unusable: Int { cases.count { !$0.isUsable } }

    /// Cases and cohort findings with text that may say who a patient is.
    package var placesWithIdentifiers: Int {
        cases.count { $0.findings.contains { $0.kind == .identifier } } + findings.count { $0.kind == .identifier }
    }

    /// What every check ends with.
    package var statement: String {
        let found =
            placesWithIdentifiers == 0
            ? "Checks found no obvious identifiers."
            : "Checks found possible identifiers; they are listed above as warnings."
        return "\(found) This is not a de-identification certificate."
    }
}
