import Imaging

/// The CSV files of a synthetic cohort.
enum SyntheticManifest {
    static let header =
        "case,patient,T1w,T1c,T2w,FLAIR,brain,mask,split,timepoint,age,sex,scanner,field,label_method,"
        + "detection,discrimination,idh"

    /// One row of a manifest.
    /// - Parameters:
    ///   - folder: the visit's folder, relative to the manifest.
    ///   - hasMask: whether a mask lies there: a tumour was there and was recognised.
    static func row(_ visit: CohortPlan.Visit, site: SiteProtocol, folder: String, hasMask: Bool) -> String {
        let patient = visit.patient
        let contrasts = Contrast.allCases.map {
            visit.present[$0.channel] ? "\(folder)/\($0.rawValue).nii.gz" : ""
        }
        let detection = patient.label == .normal ? "normal" : "tumour"
        let discrimination =
            switch patient.label {
            case .normal: ""
            case .meningioma: "meningioma"
            case .wildtype, .mutant: "glioma"
            }
        let idh =
            switch patient.label {
            case .normal, .meningioma: ""
            case .wildtype: "wildtype"
            case .mutant: "mutant"
            }
        let fields =
            [visit.id, patient.id] + contrasts + [
                "\(folder)/brain.nii.gz", hasMask ? "\(folder)/mask.nii.gz" : "", patient.split,
                "\(visit.timepoint + 1)", "\(patient.age + visit.timepoint)", patient.sex, site.scanner,
                site.field.rawValue, patient.labelMethod, detection, discrimination, idh,
            ]
        return fields.joined(separator: ",")
    }

    static let truthHeader = "case,patient,site,truth,label,tumour_ml"

    /// One row of `truth.csv`.
    static func truthRow(_ visit: CohortPlan.Visit, millilitres: Double) -> String {
        let patient = visit.patient
        let volume = "\((millilitres * 100).rounded() / 100)"
        return [
            visit.id, patient.id, "site-\(patient.site + 1)", patient.truth.rawValue, patient.label.rawValue, volume,
        ].joined(separator: ",")
    }
}
