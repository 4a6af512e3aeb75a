import Testing

import NIfTI

/// The lint for text that may name a patient.
struct IdentifyingTextTests {
    static let telling = [
        "DOE^JANE", "Doe, Jane", "Jane Doe", "patient 7", "PatientID=44", "MRN 00012", "dob: 1.2.70", "Dr. Who",
        "1234567", "scan of 20190312", "2019-03-12", "12/03/2019", "3.12.1998", "12 Mar 2019", "Born May 1970",
        "March 3", "anna@example.org", "/home/jsmith/data", "C:\\Users\\anna\\x", "SSN 123-45-6789", "acc-1234567-x",
        "[jsmith@host3: Thu Jul 12]", "Kowalska Anna T1", "Surname: X", "NHS 943 476 5919", "ID 4857773456",
        "KOWALSKA ANNA", "DOE, JANE", "T1 SMITH_JOHN MPRAGE", "ŁUKASZ NOWAK", "NOWAK-LIS EWA",
    ]
    static let harmless = [
        "", "FSL5.0", "spm - 3D normalized", "dcm2niix", "TE=4.9;Time=143049.500;phase=1",
        "FSL3.3 v2.25 NIfTI-1 Single file format",
        "ICBM AVG 152 T1 TAL LIN", "none", "6.0.5:9e026117", "5.0.10", "2202.03-1", "FreeSurfer Mar", "Mean Image",
        "www.bic.mni.mcgill.ca/ServicesAtlases/ICBM152NLin2009", "LaMIM order T1,T1c,T2,FLAIR", "T2 FLAIR axial 5mm",
        "Time=120000", "Tissue Probability Map", "ITK 4.13.1", "ANTs N4 bias field corrected", "kernel 0.125000 sigma",
        "FSL BET", "SPM MNI TAL", "AX T2 FLAIR FSE", "SAG MPRAGE GRE", "UPENN-GBM-00001", "UCSF-PDGM-0004",
        "TCGA-DU-7294", "TE TR TI", "IMPAC-XYZ", "NIFTI FLOAT", "SIEMENS TRIO", "KOWALSKA",
    ]

    @Test("Text that may tell who it is, is found", arguments: telling)
    func findsIt(_ text: String) { #expect(IdentifyingText.isLikely(in: text)) }

    @Test("What programs write is left alone", arguments: harmless)
    func leavesIt(_ text: String) { #expect(!IdentifyingText.isLikely(in: text)) }

    @Test("The warning names the fields and never repeats the text")
    func namesFields() throws {
        var file = ForgedFile()
        (file.descrip, file.auxFile, file.dbName, file.intentName) = ("FSL5.0", "DOE^JANE", "1234567", "Jane Doe")
        file.extender = 1
        file.extensions = file.entry(code: 2, text: "anything") + file.entry(code: 6, text: "born 1970-01-02")
        let header = try NIfTIFile.content(of: file.bytes).header
        let fields = ["aux_file", "db_name", "intent_name", "DICOM extension", "comment extension"]
        #expect(header.identifyingFields == fields)
        #expect(header.warnings == ["may hold patient text in \(fields.joined(separator: ", "))"])
    }

    @Test("Bytes left between header and voxels are looked at")
    func looksAtLeftovers() throws {
        var file = ForgedFile()
        file.extensions = Array("DOE^JANE".utf8)
        #expect(try NIfTIGate.header(of: file.bytes).identifyingFields == ["bytes before the voxels"])
    }
}
