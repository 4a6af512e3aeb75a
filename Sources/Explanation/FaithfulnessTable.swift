import Foundation
import Encoder
import Reporting
import Statistics

/// Faithfulness as files and lines.
package enum FaithfulnessTable {
    /// The content of `faithfulness.json`.
    package struct Document: Codable, Sendable {
        package var summaries: [FaithfulnessSummary]
        package var notice = ModelDescription.investigational

        package init(summaries: [FaithfulnessSummary]) { self.summaries = summaries }
    }

    /// A row a case and method; empty cells are not known.
    package static func csv(_ cases: [CaseFaithfulness]) -> String {
        let columns = [
            "case", "method", "predicted", "label", "deletion_gain", "insertion_gain", "random_weights_correlation",
            "tumour_ml", "hit", "distance_mm", "energy_ratio", "brightest_hit", "centre_hit", "random_weights_hit",
        ]
        func cell(_ value: Double?) -> String { value.map { String(format: "%.6g", $0) } ?? "" }
        func cell(_ value: Bool?) -> String { value.map { $0 ? "1" : "0" } ?? "" }
        var table = ReportTable("faithfulness", title: "Faithfulness", columns: columns)
        for one in cases {
            let at = one.pointing
            table.add([
                one.case, one.method.rawValue, one.predicted, one.label ?? "", cell(one.deletionGain),
                cell(one.insertionGain), cell(one.randomWeightsCorrelation), cell(at?.millilitres), cell(at?.isHit),
                cell(at?.distance), cell(at?.energyRatio), cell(at?.brightestHits), cell(at?.centreHits),
                cell(at?.randomWeightsHit),
            ])
        }
        return table.csv
    }

    /// Lines for a person: means and 95 % intervals over patients.
    package static func text(_ summaries: [FaithfulnessSummary]) -> [String] {
        func cell(_ found: MeanBootstrap?) -> String {
            found.map { String(format: "%.2f (%.2f to %.2f)", $0.mean, $0.lower, $0.upper) } ?? "-"
        }
        let header = [
            "method", "cases", "n", "deletion gain", "insertion gain", "tumours hit", "mm", "energy ratio",
            "over brightest", "over middle", "over drawn weights", "correlation with drawn weights",
        ]
        let rows = summaries.map { s in
            [
                s.method.rawValue, s.group, "\(s.cases)", cell(s.deletionGain), cell(s.insertionGain), cell(s.hits),
                cell(s.millimetres), cell(s.energyRatio), cell(s.hitsOverBrightest), cell(s.hitsOverCentre),
                cell(s.hitsOverRandomWeights), cell(s.randomWeightsCorrelation),
            ]
        }
        return ([header, header.map { _ in "---" }] + rows).map { "| " + $0.joined(separator: " | ") + " |" }
    }
}
