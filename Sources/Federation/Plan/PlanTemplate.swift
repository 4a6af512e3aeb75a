/// Plans to begin from: pretraining, and the three tasks of Chen et al. (European Radiology 2024).
package enum PlanTemplate: String, CaseIterable, Sendable {
    case pretraining
    /// Tumour or none.
    case detection
    /// Meningioma or glioma.
    case discrimination
    /// IDH status of gliomas.
    case idh

    /// A plan that parses, with what its author has to fill in marked by three dots.
    package var text: String {
        switch self {
        case .pretraining:
            """
            # Pretraining across sites; no label is needed. docs/plan.md tells every key.
            name: pretraining
            task: pretraining
            objective: masked               # blocks16 and blocks4 are the published ones, at several times the cost
            initial: {preset: base, seed: 1}
            training:
              steps: 100
              batch: 4
              rate: 1.0e-4
              optimizer: adam
              warm_up: 100
              augment: [flip]
            rounds: 50
            \(shared)
            """
        case .detection:
            Self.task(
                "detection", "whether a scan shows a tumour", positive: "tumour",
                [("normal", "no tumour", "follow-up or report"), ("tumour", "meningioma or glioma", "histology")])
        case .discrimination:
            Self.task(
                "discrimination", "which of two tumours a scan shows", positive: "glioma",
                [("meningioma", "WHO grade 1 to 3", "histology"), ("glioma", "WHO grade 2 to 4", "histology")])
        case .idh:
            Self.task(
                "idh", "the IDH status of a glioma", positive: "mutant",
                [
                    ("wildtype", "no IDH1 or IDH2 mutation", "sequencing, or immunohistochemistry and age"),
                    ("mutant", "IDH1 or IDH2 mutation", "sequencing or immunohistochemistry"),
                ])
        }
    }

    private static func task(
        _ column: String, _ what: String, positive: String, _ classes: [(name: String, definition: String, by: String)]
    ) -> String {
        let list = classes.map { "  - {name: \($0.name), definition: \($0.definition), labels: \"\($0.by)\"}" }
        return """
            # Tells \(what). docs/plan.md tells every key.
            name: \(column)
            task: \(column)
            classes:
            \(list.joined(separator: "\n"))
            positive: \(positive)
            initial: {preset: base, seed: 1}  # or {weights: DIGEST} of a pretrained encoder
            training:
              epochs: 1
              batch: 4
              accumulate: 2
              rate: 1.0e-4                  # 1.0e-5 with pretrained weights
              class_weights: [1, 1]
              drop_contrasts: 0.1
              augment: [flip, affine, intensity, bias-field]
            rounds: 30
            evaluation: {sensitivity: 0.9, familiarity: 8}
            \(Self.pretraining.shared)
            """
    }

    private var shared: String {
        """
        minimum_sites: 2
        governance:
          purpose: "..."
          data_declared: agreement
          controllers: ["..."]
          approvals: {site-1: "...", site-2: "..."}
          retention: "..."
          expiry: 2030-01-01
          release_rights: "..."
          open_mode_agreed: true        # the coordinator sees single updates

        """
    }
}
