import Foundation
import LocalFederation
import NIfTI
import Testing

/// The paper's design in small, by real programs: an encoder pretrained across sites, then fine-tuned to a task.
@Suite(.serialized) struct PretrainingStudyTests {
    @Test(
        "sites pretrain an encoder without labels, and a study of a task begins from what came of it",
        arguments: ["blocks4", "masked"])
    func chain(objective: String) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "consilium-chain-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let federation = try LocalFederation(folder: folder, binaries: EchoStudy.programs)
        try federation.agent(
            "synthesize", "--cases", "120", "--sites", "2", "--seed", "3", "--size", "32", "--out", folder + "/cohort")
        let coordinator = try federation.found()
        var programs = [coordinator]
        defer { for program in programs.reversed() { program.end() } }
        for number in 1...2 {
            programs.append(
                try federation.addSite("site-\(number)", manifest: "\(folder)/cohort/site-\(number)/manifest.csv"))
        }
        let pretrained = try study(
            federation, "pre",
            """
            task: pretraining
            objective: \(objective)
            initial: {preset: small, seed: 1}
            training: {epochs: 2, batch: 4, rate: 1.0e-3, optimizer: adam, threads: 1}
            rounds: 2
            """)
        let shown = try federation.coordinator("release", "create", "encoder", "--study", "pre")
        #expect(shown.contains("restored voxels, select, candidate") && shown.contains("task     pretraining"))
        let tuned = try study(
            federation, "detect",
            """
            task: detection
            classes: [normal, tumour]
            initial: {weights: \(pretrained)}
            lineage: pretrained in the study pre
            training: {epochs: 1, batch: 4, class_weights: [1, 1], threads: 1}
            evaluation: {familiarity: 1}
            rounds: 1
            """)
        #expect(tuned != pretrained)
        #expect(try federation.coordinator("verify").contains("row"))
        // A site that has the release tells a head of half the size from those of the training.
        try federation.coordinator("release", "create", "one", "--study", "detect")
        try federation.coordinator("release", "promote", "one")
        let site = folder + "/site-1"
        while try !federation.agent("releases", "--state", site).contains("one") { usleep(100_000) }
        let kept = try federation.agent("releases", "--state", site)
        #expect(kept.contains("how sites differ was learnt from 1 of them only"), "\(kept)")
        let small = try Self.halved("\(folder)/cohort/site-1", to: folder + "/small")
        try federation.agent("infer", "--release", "one", "--state", site, "--case", small, "--out", folder + "/out")
        let prediction = try String(contentsOfFile: folder + "/out/small/prediction.json", encoding: .utf8)
        #expect(prediction.contains("most of all the brain volume"))
        let both = "\(folder)/report-both"
        try federation.coordinator("report", "detect", "pre", "--out", both)
        let models = try String(contentsOfFile: both + "/models.csv", encoding: .utf8).split(separator: "\n")
        #expect(models.count == 3 && models[1].hasPrefix("detection,detect,weights "))
        #expect(models[2].hasPrefix("pretraining,pre,preset small,2,"))
        func rows(_ name: String) throws -> [[String]] {
            try String(contentsOfFile: "\(both)/\(name).csv", encoding: .utf8).split(separator: "\n").dropFirst()
                .map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
        }
        let effort = try rows("effort")
        #expect(effort.map { $0[0] } == ["detect", "pre"])
        // 8 tokens of 4 × 8³ values, 256 wide; 6 layers of 4 · 256² + 2 · 256 · 1024 + 2 · 8 · 256 products; two
        // operations each, three passes.
        #expect(effort[0][5] == "0.252838" && effort[1][5].isEmpty)
        #expect(effort[0][1] == effort[0][2] && (5_200_000...5_300_000).contains(Int(effort[0][1]) ?? 0))
        let cases = try rows("cohort").map { Int($0[1]) ?? 0 }
        #expect(effort[0][4] == "\(cases.reduce(0, +))")
        #expect(effort[0][3] == "\(cases.reduce(0) { $0 + ($1 + 3) / 4 })")
        // What a reviewer is given of each.
        for name in ["pre", "detect"] {
            let out = "\(folder)/report-\(name)"
            #expect(try federation.coordinator("report", name, "--out", out).contains("report.html"))
            let page = try String(contentsOfFile: out + "/report.html", encoding: .utf8)
            for words in ["Investigational output", "Cases by site", "opened 0 times", "name: \(name)", "site-2"] {
                #expect(page.contains(words), "\(words)")
            }
            let rounds = try String(contentsOfFile: out + "/rounds.csv", encoding: .utf8).split(separator: "\n")
            #expect(rounds.count == (name == "pre" ? 3 : 2) && rounds[1].contains("committed"))
        }
    }

    @Test("a report on an evaluation study has its areas and curves")
    func evaluation() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "consilium-judged-\(UUID().uuidString)")
            .path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let federation = try LocalFederation(folder: folder, binaries: EchoStudy.programs)
        try federation.agent(
            "synthesize", "--cases", "200", "--sites", "2", "--seed", "3", "--size", "32", "--out", folder + "/cohort")
        var programs = [try federation.found()]
        defer { for program in programs.reversed() { program.end() } }
        for number in 1...2 {
            // All cases are for choosing: enough that scores may leave.
            let manifest = "\(folder)/cohort/site-\(number)/manifest.csv"
            let text = try String(contentsOfFile: manifest, encoding: .utf8)
            try text.replacingOccurrences(of: ",train,", with: ",select,")
                .replacingOccurrences(of: ",test,", with: ",select,")
                .write(toFile: manifest, atomically: true, encoding: .utf8)
            programs.append(try federation.addSite("site-\(number)", manifest: manifest))
        }
        _ = try study(
            federation, "judge",
            """
            kind: evaluation
            task: detection
            classes: [normal, tumour]
            initial: {preset: resnet-small, seed: 1}
            rounds: 1
            """)
        let out = folder + "/report"
        try federation.coordinator("report", "judge", "--out", out)
        func rows(_ name: String) throws -> [[String]] {
            try String(contentsOfFile: "\(out)/\(name).csv", encoding: .utf8).split(separator: "\n").dropFirst()
                .map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
        }
        let area = try #require(try rows("figures").first { $0[0] == "\"site-stratified AUC" }).joined(separator: ",")
        let round = try rows("rounds")[0]
        #expect(Double(round[5]) != nil && area.contains(round[5]), "\(area) \(round)")
        #expect(try rows("roc").count > 1 && !rows("calibration").isEmpty)
    }

    /// A copy of a site's first case with voxels of half the edge.
    private static func halved(_ site: String, to folder: String) throws -> String {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let cases = try FileManager.default.contentsOfDirectory(atPath: site).filter { $0.hasPrefix("c") }.sorted()
        let first = try #require(cases.first { FileManager.default.fileExists(atPath: "\(site)/\($0)/brain.nii.gz") })
        for name in try FileManager.default.contentsOfDirectory(atPath: "\(site)/\(first)") where name != "mask.nii.gz"
        {
            let image = try NIfTIFile.read("\(site)/\(first)/\(name)")
            var affine = image.header.affine
            for row in 0..<3 { for column in 0..<3 { affine.rows[row][column] /= 2 } }
            let target = name == "brain.nii.gz" ? "brainmask.nii.gz" : name
            try NIfTIFile.write(
                "\(folder)/\(target)", voxels: image.voxels, dims: image.header.dims, affine: affine)
        }
        return folder
    }

    /// Runs a study to its end.
    /// - Returns: the digest of its last model.
    private func study(_ federation: LocalFederation, _ name: String, _ plan: String) throws -> String {
        let path = "\(federation.folder)/\(name).yaml"
        try """
        name: \(name)
        \(plan)
        recipe: {size: 16}
        minimum_sites: 2
        governance: {purpose: a test, data_declared: synthetic}

        """.write(toFile: path, atomically: true, encoding: .utf8)
        try federation.coordinator("study", "create", path)
        try federation.coordinator("study", "start", name)
        let limit = ContinuousClock.now + .seconds(180)
        while true {
            let status = try federation.status(name)
            if status.standing == "finished" { return status.base }
            guard ContinuousClock.now < limit else {
                throw LocalFederationError("the study \(name) does not end: see \(federation.folder)")
            }
            usleep(100_000)
        }
    }
}
