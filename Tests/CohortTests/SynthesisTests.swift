import Cohort
import Foundation
import Imaging
import NIfTI
import Testing

struct SynthesisTests {
    @Test("The same seed gives the same bytes on one thread and on three; another seed gives others")
    func sameBytes() throws {
        var first: [String: Data] = [:]
        try SynthesisCohort.with(cases: 7, sites: 3, seed: 11, size: 32, threads: 1) { first = try $0.contents }
        #expect(first.count > 7 * 3)
        try SynthesisCohort.with(cases: 7, sites: 3, seed: 11, size: 32, threads: 3) { again in
            let same = try again.contents == first
            #expect(same)
        }
        try SynthesisCohort.with(cases: 7, sites: 3, seed: 12, size: 32) { other in
            let shared = try Set(other.contents.values).intersection(first.values)
            #expect(shared.isEmpty)
        }
    }

    @Test("Classes, splits, second visits, missing contrasts and wrong labels come in the announced proportions")
    func proportions() throws {
        try SynthesisCohort.with(cases: 160, sites: 4, seed: 5, size: 32) { cohort in
            let manifest = try cohort.manifest
            let truths = try cohort.truths
            #expect(manifest.cases.count == 160)
            #expect(Set(manifest.tasks) == ["detection", "discrimination", "idh"])
            let kinds = Dictionary(grouping: truths.values) { $0.truth }.mapValues { Double($0.count) / 160 }
            #expect((0.25...0.45).contains(kinds["normal"] ?? 0))
            #expect((0.17...0.36).contains(kinds["meningioma"] ?? 0))
            #expect((0.12...0.30).contains(kinds["wildtype"] ?? 0))
            #expect((0.12...0.30).contains(kinds["mutant"] ?? 0))
            let wrong = truths.values.count { $0.truth != $0.label }
            #expect((2...18).contains(wrong), "\(wrong) of 160 labels are wrong")
            for record in manifest.cases {
                let label = try #require(truths[record.id]).label
                let labels = [
                    "normal": ["detection": "normal"],
                    "meningioma": ["detection": "tumour", "discrimination": "meningioma"],
                    "wildtype": ["detection": "tumour", "discrimination": "glioma", "idh": "wildtype"],
                    "mutant": ["detection": "tumour", "discrimination": "glioma", "idh": "mutant"],
                ]
                #expect(record.labels == labels[label])
                #expect(record.paths.contrasts.count >= 2)
            }
            #expect(manifest.patientsInSeveralSplits.isEmpty)
            let splits = Dictionary(grouping: manifest.cases) { $0.split }.mapValues(\.count)
            #expect((95...130).contains(splits[.train] ?? 0))
            #expect((12...38).contains(splits[.select] ?? 0))
            #expect((12...38).contains(splits[.test] ?? 0))
            let visits = Dictionary(grouping: manifest.cases) { $0.patient }.values
            #expect((10...22).contains(visits.count { $0.count == 2 }))
            #expect(manifest.cases.contains { $0.paths.contrasts.count < 4 })
            #expect(Set(manifest.cases.compactMap(\.facts.scanner)).count == 4)
        }
    }

    @Test("Every site has a manifest whose cases add up to the manifest of all")
    func siteManifests() throws {
        try SynthesisCohort.with(cases: 9, sites: 2, seed: 3, size: 32) { cohort in
            let sites = try (1...2).flatMap { try Manifest.read("\(cohort.folder)/site-\($0)/manifest.csv").cases }
            let all = try cohort.manifest.cases
            #expect(Set(sites.map(\.id)) == Set(all.map(\.id)))
            for record in sites + all {
                for file in record.files { #expect(FileManager.default.fileExists(atPath: file), "\(file)") }
            }
        }
    }

    @Test("Every image is a brain in its place: finite, 0 outside, right size, cerebellum low and behind, no text")
    func imagesAreBrains() throws {
        try SynthesisCohort.with(cases: 12, sites: 6, seed: 21) { cohort in
            var orientations: Set<String> = []
            for record in try cohort.manifest.cases {
                for (contrast, path) in record.paths.contrasts {
                    let image = try NIfTIFile.read(path)
                    orientations.insert(image.header.affine.orientation)
                    var millilitres = 0.0
                    var middle = (0.0, 0.0, 0.0)
                    var (lowest, low) = (Double.infinity, (y: 0.0, count: 0.0))
                    image.visit { value, at in
                        #expect(value.isFinite && value >= 0)
                        guard value > 0 else { return }
                        millilitres += image.voxelMillilitres
                        middle = (middle.0 + at.0, middle.1 + at.1, middle.2 + at.2)
                        lowest = min(lowest, at.2)
                    }
                    let count = millilitres / image.voxelMillilitres
                    #expect((850...2100).contains(millilitres), "\(record.id) \(contrast): \(millilitres) ml")
                    for mean in [middle.0 / count, middle.1 / count] { #expect(abs(mean) < 14) }
                    image.visit { value, at in
                        guard value > 0, at.2 < lowest + 25 else { return }
                        low = (low.y + at.1, low.count + 1)
                    }
                    #expect(low.y / low.count < middle.1 / count - 12, "\(record.id) \(contrast) lies the wrong way")
                    #expect(image.header.descrip.isEmpty && image.header.intentName.isEmpty)
                    #expect(image.header.warnings.allSatisfy { $0.hasPrefix("oblique") }, "\(image.header.warnings)")
                }
            }
            #expect(orientations.count >= 3, "\(orientations)")
        }
    }

    @Test("A mask is there when the label says tumour and there is one; it lies in the brain and on what looks ill")
    func masksAgree() throws {
        try SynthesisCohort.with(cases: 40, sites: 2, seed: 8, size: 48) { cohort in
            let truths = try cohort.truths
            var visible = 0
            var masks = 0
            for record in try cohort.manifest.cases {
                let truth = try #require(truths[record.id])
                #expect((truth.truth == "normal") == (truth.millilitres == 0))
                #expect((record.mask != nil) == (truth.truth != "normal" && truth.label != "normal"))
                guard let path = record.mask, let brainPath = record.paths.brain else { continue }
                masks += 1
                let mask = try NIfTIFile.read(path)
                let brain = try NIfTIFile.read(brainPath)
                #expect(mask.header.affine == brain.header.affine)
                let volume = mask.voxels.reduce(0) { $0 + Double($1) } * mask.voxelMillilitres
                #expect(abs(volume - truth.millilitres) <= 0.006 + 0.001 * volume)
                #expect(zip(mask.voxels, brain.voxels).allSatisfy { $0 <= $1 && ($0 == 0 || $0 == 1) })
                // In some contrast the tumour stands out from the rest of the brain.
                let stands = try record.paths.contrasts.values.contains { file in
                    let (inside, outside) = try NIfTIFile.read(file).brainValues(parted: mask)
                    let (m, n) = (inside.mean, outside.mean)
                    let spread = outside.map { ($0 - n) * ($0 - n) }.mean
                    return abs(m - n) > 0.8 * spread.squareRoot()
                }
                visible += stands ? 1 : 0
            }
            #expect(masks > 15)
            #expect(Double(visible) > 0.6 * Double(masks), "\(visible) of \(masks) tumours stand out")
        }
    }

    @Test("Logistic regression on presence, spacing, volume and intensity stays below AUC 0.75 for every task")
    func noShortcut() throws {
        try SynthesisCohort.with(cases: 180, sites: 4, seed: 1, size: 48) { cohort in
            let report = try CohortCheck(manifest: cohort.manifest, recipe: Recipe()).run()
            #expect(report.unusable == 0)
            #expect(Set(report.trivialModels.map(\.column)) == ["detection", "discrimination", "idh"])
            for model in report.trivialModels {
                #expect(model.classes.allSatisfy { $0.auc < 0.75 }, "\(model.sentence)")
            }
        }
    }
}
