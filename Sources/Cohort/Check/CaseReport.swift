package import Imaging

/// What the check found about one case.
package struct CaseReport: Sendable, Codable {
    package var id: String
    package var patient: String
    /// The manifest's row; nil for a folder.
    package var row: Int?
    /// What is fed to a model: scans that are there and were measured.
    package var contrasts: [Contrast]
    /// Every scan that could be read.
    package var scans: [ScanFacts]
    /// Problems first.
    package var findings: [Finding]
    /// What differs from the background in the reference scan, millilitres; nil where nothing was read.
    package var brainMillilitres: Double?

    /// Whether nothing stands in the way of using it.
    package var isUsable: Bool { !findings.contains { $0.severity == .problem } }

    /// The scan of the finest grid, which stands for the case's.
    package var reference: ScanFacts? {
        let measured = scans.filter { !$0.isConstant }
        return FinestGrid.index(of: measured.map(\.spacing)).map { measured[$0] } ?? scans.first
    }

    mutating func add(_ finding: Finding) {
        guard !findings.contains(finding) else { return }
        findings.append(finding)
        findings = findings.filter { $0.severity == .problem } + findings.filter { $0.severity == .warning }
    }

    private enum CodingKeys: String, CodingKey {
        case id = "case"
        case patient, row, contrasts, scans, findings
        case brainMillilitres = "brain_ml"
        case isUsable = "usable"
    }

    package init(id: String, patient: String, row: Int?) {
        self.id = id
        self.patient = patient
        self.row = row
        contrasts = []
        scans = []
        findings = []
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        id = try values.decode(String.self, forKey: .id)
        patient = try values.decode(String.self, forKey: .patient)
        row = try values.decodeIfPresent(Int.self, forKey: .row)
        contrasts = try values.decode([Contrast].self, forKey: .contrasts)
        scans = try values.decode([ScanFacts].self, forKey: .scans)
        findings = try values.decode([Finding].self, forKey: .findings)
        brainMillilitres = try values.decodeIfPresent(Double.self, forKey: .brainMillilitres)
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(id, forKey: .id)
        try values.encode(patient, forKey: .patient)
        try values.encode(row, forKey: .row)
        try values.encode(isUsable, forKey: .isUsable)
        try values.encode(contrasts, forKey: .contrasts)
        try values.encode(scans, forKey: .scans)
        try values.encode(findings, forKey: .findings)
        try values.encode(brainMillilitres, forKey: .brainMillilitres)
    }
}
