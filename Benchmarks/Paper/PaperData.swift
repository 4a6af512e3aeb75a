import Cohort
import Federation
import Foundation
import LocalFederation
import Training

/// The cohorts of the protocol and the manifests of its sites.
struct PaperData {
    let planned: PaperProtocol
    let folder: String

    /// Makes what is not there yet.
    func make(_ agent: ([String]) throws -> Void) throws {
        for (name, cohort) in [("training", planned.training), ("test", planned.test)] {
            guard !FileManager.default.fileExists(atPath: "\(folder)/\(name)/manifest.csv") else { continue }
            try agent([
                "synthesize", "--cases", "\(cohort.cases)", "--sites", "\(cohort.sites)", "--seed", "\(cohort.seed)",
                "--size", "\(cohort.size)", "--generator", cohort.generator, "--out", "\(folder)/\(name)",
            ])
        }
        try FileManager.default.createDirectory(atPath: folder + "/manifests", withIntermediateDirectories: true)
        for fraction in planned.fractions { try writeManifests(fraction) }
        try writeTest()
    }

    /// The manifest of a site, `pool` for all of them, with a part of its training cases.
    func manifest(_ site: String, _ fraction: Double) -> String {
        "\(folder)/manifests/\(site)-\(Int(fraction * 100)).csv"
    }

    /// The cases a site trains with.
    func cases(_ run: PaperRunName, at site: String) throws -> [LabelledCase] {
        try TaskCases(manifest: manifest(site, run.fraction), column: run.task.name, classes: run.task.classes).of(
            .train)
    }

    var test: String { folder + "/manifests/test.csv" }

    private func writeManifests(_ fraction: Double) throws {
        var pool: [[String: String]] = []
        for site in 1...planned.training.sites {
            let rows = try Self.read("\(folder)/training/site-\(site)/manifest.csv")
            let kept = rows.filter { $0["split"] != "train" || Self.rank($0["patient"] ?? "") < fraction }
            for task in planned.tasks {
                let count = kept.count { $0["split"] == "train" && !($0[task.name] ?? "").isEmpty }
                guard count >= EgressLimits.standard.leastCases else {
                    throw BenchError(
                        "site-\(site) has \(count) training cases of \(task.name) at \(Int(fraction * 100)) % of the "
                            + "labels, fewer than \(EgressLimits.standard.leastCases): ask for more cases in the protocol"
                    )
                }
            }
            pool += kept
            try Self.write(kept, to: manifest("site-\(site)", fraction))
        }
        try Self.write(pool, to: manifest("pool", fraction))
    }

    /// All cases of the test cohort as test cases, labelled with what is really there.
    private func writeTest() throws {
        let truths = try Self.read(folder + "/test/truth.csv")
        let truth = Dictionary(uniqueKeysWithValues: truths.map { ($0["case"] ?? "", $0["truth"] ?? "") })
        let rows = try Self.read(folder + "/test/manifest.csv").sorted { ($0["case"] ?? "") < ($1["case"] ?? "") }
        var counts: [String: Int] = [:]
        var kept: [[String: String]] = []
        for var row in rows {
            let what = truth[row["case"] ?? ""] ?? ""
            row["split"] = "test"
            row["detection"] = what == "normal" ? "normal" : "tumour"
            row["discrimination"] = what == "normal" ? "" : what == "meningioma" ? "meningioma" : "glioma"
            row["idh"] = ["wildtype", "mutant"].contains(what) ? what : ""
            var isKept = false
            for task in planned.tasks {
                let key = "\(task.name) \(row[task.name] ?? "")"
                guard let label = row[task.name], !label.isEmpty else { continue }
                if counts[key, default: 0] < planned.testPerClass {
                    counts[key, default: 0] += 1
                    isKept = true
                } else {
                    row[task.name] = ""
                }
            }
            if isKept { kept.append(row) }
        }
        for task in planned.tasks {
            for label in task.classes where counts["\(task.name) \(label)", default: 0] < planned.testPerClass {
                throw BenchError(
                    "the test cohort has \(counts["\(task.name) \(label)", default: 0]) cases of \(label), fewer than "
                        + "\(planned.testPerClass): ask for more cases in the protocol")
            }
        }
        try Self.write(kept, to: test)
    }

    /// 0..<1, by name alone, so that smaller parts lie within larger ones.
    private static func rank(_ patient: String) -> Double {
        let hash = patient.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return Double((hash ^ (hash >> 29)) % 10_000) / 10_000
    }

    /// Rows of a manifest that has no quoted cells, scans as absolute paths.
    private static func read(_ path: String) throws -> [[String: String]] {
        let folder = (path as NSString).deletingLastPathComponent
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        let columns = lines[0].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        return lines.dropFirst().map { line in
            let cells = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            var row = Dictionary(uniqueKeysWithValues: zip(columns, cells))
            for column in ["T1w", "T1c", "T2w", "FLAIR", "brain", "mask"] {
                if let cell = row[column], !cell.isEmpty { row[column] = "\(folder)/\(cell)" }
            }
            return row
        }
    }

    private static let columns = [
        "case", "patient", "T1w", "T1c", "T2w", "FLAIR", "brain", "split", "detection", "discrimination", "idh",
    ]

    private static func write(_ rows: [[String: String]], to path: String) throws {
        let lines = [columns] + rows.map { row in columns.map { row[$0] ?? "" } }
        try lines.map { $0.joined(separator: ",") + "\n" }.joined()
            .write(toFile: path, atomically: true, encoding: .utf8)
    }
}
