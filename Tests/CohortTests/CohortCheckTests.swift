import Cohort
import Foundation
import Imaging
import NIfTI
import Testing

@Suite("Check of a cohort")
struct CohortCheckTests {
    /// Writes scans and a manifest, and checks it.
    /// - Parameters:
    ///   - scans: file name to what is in it.
    ///   - table: the manifest.
    static func check(
        _ scans: [String: MadeScan], _ table: String, task: String? = nil, recipe: Recipe = Recipe(size: 32)
    ) throws -> CohortReport {
        let scratch = try Scratch()
        for (name, scan) in scans { try scan.write("\(scratch.path)/\(name)") }
        let manifest = try Manifest.read(scratch.write("m.csv", table))
        return try CohortCheck(manifest: manifest, column: task, recipe: recipe, threads: 2).run()
    }

    static func found(_ report: CohortReport, _ id: String) -> [String] {
        report.cases.first { $0.id == id }?.findings.map { "\($0.severity.rawValue) \($0.kind.rawValue)" } ?? [
            "no case"
        ]
    }

    /// Two contrasts of one head.
    static func pair(_ head: UInt64) -> (MadeScan, MadeScan) {
        var second = MadeScan(head: head)
        second.contrast = .flair
        return (MadeScan(head: head), second)
    }

    @Test("A sound case is described and has no finding")
    func sound() throws {
        let (t1w, flair) = Self.pair(1)
        let report = try Self.check(
            ["t1.nii.gz": t1w, "fl.nii.gz": flair],
            "case,patient,T1w,FLAIR\na,p,t1.nii.gz,fl.nii.gz\n")
        let found = report.cases[0]
        #expect(found.findings == [])
        #expect(found.contrasts == [.t1w, .flair])
        #expect(found.reference?.dims == [40, 44, 36])
        #expect(found.reference?.orientation == "RAS")
        #expect(found.reference?.spacing == [4, 4, 4])
        // An ellipsoid of 5/12 of each edge as half axes.
        let volume = 4.0 / 3 * Double.pi * 40 * 44 * 36 * pow(5.0 / 12, 3) * 64 / 1000
        #expect(abs((found.brainMillilitres ?? 0) - volume) < 0.01 * volume)
        #expect(report.isUsable)
        #expect(report.statement == "Checks found no obvious identifiers. This is not a de-identification certificate.")
        #expect(report.text.hasSuffix("The case can be used.\n" + report.statement))
    }

    @Test("Files that are missing or broken make the case unusable, each by its path, and the others are still read")
    func files() throws {
        let (t1w, flair) = Self.pair(1)
        let report = try Self.check(
            ["t1.nii": t1w, "fl.nii.gz": flair],
            "case,patient,T1w,T1c,FLAIR,volume\na,p,t1.nii,gone.nii,fl.nii.gz,\nb,q,m.csv,,,\nc,r,,,,t1.nii\nd,s,,,,\n")
        #expect(Self.found(report, "a") == ["problem file"])
        #expect(report.cases[0].findings[0].message.contains("gone.nii"))
        #expect(report.cases[0].contrasts == [.t1w, .flair])
        #expect(Self.found(report, "b") == ["problem file"])
        #expect(Self.found(report, "c") == ["problem file"])
        #expect(Self.found(report, "d") == ["problem file"])
        #expect(!report.isUsable)
        #expect(report.text.contains("0 of 4 cases can be used, 4 cannot."))
    }

    @Test("A lesion mask on another grid is told, by size or by place; one stored in another order is not another")
    func lesionGrid() throws {
        let scan = MadeScan(head: 1)
        var (small, moved, turned) = (scan, scan, scan)
        small.dims = [20, 44, 36]
        moved.origin.0 += 2
        turned.spacing.0 = -4
        turned.origin.0 += 39 * 4
        let report = try Self.check(
            ["t1.nii": scan, "same.nii": scan, "small.nii": small, "moved.nii": moved, "turned.nii": turned],
            "case,patient,T1w,mask\n"
                + ["same", "small", "moved", "turned"].map { "\($0),\($0),t1.nii,\($0).nii\n" }.joined())
        func grids(_ id: String) -> [String] { Self.found(report, id).filter { $0.hasSuffix("grid") } }
        #expect(grids("same").isEmpty && grids("turned").isEmpty)
        #expect(grids("small") == ["warning grid"] && grids("moved") == ["warning grid"])
    }

    @Test("NaN, a skull, and contrasts of different places make a case unusable, each by its kind")
    func voxels() throws {
        var nan = MadeScan(head: 1)
        nan.notNumbers = 3
        var skull = MadeScan(head: 2)
        skull.hasSkull = true
        var far = MadeScan(head: 3)
        far.contrast = .t1c
        far.origin = (400, 0, 0)
        let report = try Self.check(
            ["nan.nii": nan, "skull.nii": skull, "near.nii": MadeScan(head: 3), "far.nii": far],
            "case,patient,T1w,T1c\nnan,a,nan.nii,\nskull,b,skull.nii,\nfar,c,near.nii,far.nii\n")
        #expect(Self.found(report, "nan") == ["problem non_finite"])
        #expect(Self.found(report, "skull") == ["problem not_brain_extracted"])
        #expect(Self.found(report, "far") == ["problem no_overlap"])
        let allowed = try Self.check(
            ["skull.nii": skull], "case,patient,T1w\nskull,b,skull.nii\n", recipe: Recipe(size: 32, unstripped: true))
        #expect(Self.found(allowed, "skull") == ["warning preparation"])
    }

    @Test("A constant channel of a 4D file counts as absent, with a warning")
    func constantChannel() throws {
        let scratch = try Scratch()
        let (t1w, flair) = Self.pair(1)
        let flat = [Float](repeating: 7, count: t1w.voxels.count)
        try NIfTIFile.write(
            scratch.path + "/v.nii.gz", voxels: t1w.voxels + flat + flat + flair.voxels, dims: t1w.dims + [4],
            affine: t1w.affine)
        let manifest = try Manifest.read(scratch.write("m.csv", "case,patient,volume\na,p,v.nii.gz\n"))
        let report = try CohortCheck(manifest: manifest, recipe: Recipe(size: 32)).run()
        #expect(report.cases[0].contrasts == [.t1w, .flair])
        #expect(report.cases[0].findings.map(\.message) == ["T1c, T2w have one value everywhere and count as absent."])
        #expect(report.isUsable)
        let prepared = try CaseLoader(recipe: Recipe(size: 32), cache: nil).prepared(manifest.cases[0])
        #expect(prepared.present == [true, false, false, true])
    }

    @Test("A patient in two splits makes all their cases unusable")
    func leak() throws {
        let scans = ["a.nii": MadeScan(head: 1), "b.nii": MadeScan(head: 2), "c.nii": MadeScan(head: 3)]
        let report = try Self.check(
            scans, "case,patient,T1w,split\na,p,a.nii,train\nb,p,b.nii,test\nc,q,c.nii,select\n")
        #expect(Self.found(report, "a") == ["problem split_leak"])
        #expect(Self.found(report, "b") == ["problem split_leak"])
        #expect(Self.found(report, "c") == [])
    }

    @Test("Patients whose names differ only in letter case or spaces are said by their rows, and not by their names")
    func spellings() throws {
        let scans = Dictionary(uniqueKeysWithValues: (0..<5).map { ("\($0).nii", MadeScan(head: UInt64($0 + 1))) })
        let report = try Self.check(
            scans, "case,patient,T1w\na,Ab 1,0.nii\nb,ab1,1.nii\nc,AB1,2.nii\nd,ab2,3.nii\ne,ab2,4.nii\n")
        let found = report.findings.filter { $0.kind == .splitLeak }
        #expect(found.map(\.severity) == [.warning])
        #expect(found.first?.message.hasPrefix("The patients of rows 2, 3, 4 differ only in letter case") == true)
        #expect(found.first?.message.contains("ab1") == false)
        #expect(report.isUsable)
    }

    @Test(
        "The same voxels are found however they are stored: compressed, mirrored, in a larger volume, twice in a case")
    func copies() throws {
        let scan = MadeScan(head: 1)
        let scratch = try Scratch()
        try scan.write(scratch.path + "/a.nii")
        try scan.write(scratch.path + "/b.nii.gz")
        // Stored from left to right and from right to left, with two more planes of nothing.
        let (nx, rows) = (scan.dims[0], scan.voxels.count / scan.dims[0])
        var wide: [Float] = []
        for row in 0..<rows { wide += [0, 0] + scan.voxels[row * nx..<(row + 1) * nx].reversed() }
        let affine = Affine(rows: [[-4, 0, 0, 84], [0, 4, 0, -88], [0, 0, 4, -72]])
        try NIfTIFile.write(scratch.path + "/c.nii", voxels: wide, dims: [nx + 2] + scan.dims[1...], affine: affine)
        let table = "case,patient,T1w,T1c\na,p,a.nii,\nb,p,b.nii.gz,\nc,q,c.nii,\nd,r,a.nii,b.nii.gz\n"
        let manifest = try Manifest.read(scratch.write("m.csv", table))
        let report = try CohortCheck(manifest: manifest, recipe: Recipe(size: 32)).run()
        #expect(Self.found(report, "a") == ["problem duplicate", "problem duplicate"])
        #expect(Self.found(report, "b") == ["warning duplicate"])
        #expect(Self.found(report, "c") == ["problem duplicate"])
        #expect(Self.found(report, "d").contains("problem duplicate"))
        #expect(report.cases[3].findings.contains { $0.message.contains("T1c holds the same voxels as T1w:") })
    }

    @Test("Text in a header, a date for a case, a name for a patient and an age over 89 are said, and never repeated")
    func identifiers() throws {
        var scan = MadeScan(head: 1)
        scan.descrip = "KOWALSKA^ANNA 1948-03-12"
        let report = try Self.check(
            ["a.nii": scan, "b_19480312.nii": MadeScan(head: 2)],
            "case,patient,T1w,age\na-2021-05-06,Anna Kowalska,a.nii,73\nb,p2,b_19480312.nii,93\n")
        #expect(Self.found(report, "a-2021-05-06") == ["warning identifier"])
        #expect(report.findings.count { $0.kind == .identifier } == 4)
        let messages = (report.findings + report.cases.flatMap(\.findings)).map(\.message).joined()
        for secret in ["KOWALSKA", "Kowalska", "1948", "2021-05"] { #expect(!messages.contains(secret)) }
        #expect(report.isUsable)
        #expect(
            report.statement
                == "Checks found possible identifiers; they are listed above as warnings. This is not a de-identification certificate."
        )
    }

    @Test("One class only, and a split of one class, are said; a column that makes no task as well")
    func classes() throws {
        let scans = Dictionary(uniqueKeysWithValues: (0..<4).map { ("\($0).nii", MadeScan(head: UInt64($0 + 1))) })
        let table = """
            case,patient,T1w,split,same,y,odd
            a,a,0.nii,train,1,1,x
            b,b,1.nii,train,1,0,NA
            c,c,2.nii,select,1,0,x
            d,d,3.nii,test,,,
            """
        let report = try Self.check(scans, table)
        let messages = report.findings.map(\.message).joined(separator: "\n")
        #expect(messages.contains("Every label in column same is \"1\""))
        #expect(messages.contains("odd is \"NA\""))
        #expect(messages.contains("The split select has only cases of 0 for y"))
        #expect(messages.contains("The split test has no case for y"))
        #expect(report.isUsable)
        #expect(try Self.check(scans, table, task: "same").isUsable == false)
        #expect(throws: CohortError.self) { try Self.check(scans, table, task: "odd") }
        #expect(throws: CohortError.self) { try Self.check(scans, table, task: "nothing") }
    }

    @Test("Without a split column each task is judged by the division that a fit of it would make")
    func divisions() throws {
        let scratch = try Scratch()
        try MadeScan(head: 1).write(scratch.path + "/a.nii")
        var table = "case,patient,T1w,rare,common\n"
        for number in 0..<15 { table += "c\(number),p\(number),a.nii,\(number < 5 ? 1 : 0),\(number % 2)\n" }
        let manifest = try Manifest.read(scratch.write("m.csv", table))
        var withFindings = 0
        let report = try CohortCheck(manifest: manifest, recipe: Recipe(size: 8)).run()
        for column in manifest.tasks {
            let task = try LabelTask(manifest: manifest, column: column)
            let splits = manifest.splits(task: task)
            for split in Split.allCases {
                let labels = Set(zip(manifest.cases, splits).filter { $0.1 == split }.map { $0.0.labels[column] })
                let isSaid = report.findings.contains {
                    $0.kind == .label && $0.message.contains("The split \(split.rawValue) has")
                        && $0.message.contains(" for \(column) ")
                }
                #expect(isSaid == (labels.count < 2), "\(column) \(split)")
                if isSaid { withFindings += 1 }
            }
        }
        // Five rare cases are enough for each split.
        #expect(!report.findings.contains { $0.message.contains(" for rare ") })
        #expect(withFindings == 0)
    }

    @Test("The report reads back from its JSON, and programs find the verdict and the statement there")
    func json() throws {
        let report = try Self.check(
            ["a.nii": MadeScan(head: 1)], "case,patient,T1w,y\na,p,a.nii,1\nb,q,gone.nii,0\n")
        let text = try report.json()
        let again = try JSONDecoder().decode(CohortReport.self, from: Data(text.utf8))
        #expect(try again.json() == text)
        let object = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(object["usable"] as? Bool == false)
        #expect(object["statement"] as? String == report.statement)
        #expect((object["cases"] as? [[String: Any]])?.map { $0["usable"] as? Bool } == [true, false])
    }
}

@Suite("Loader of prepared cases")
struct CaseLoaderTests {
    @Test("A case comes the same from files and from the cache; what is wrong names case, row and file")
    func loading() throws {
        let scratch = try Scratch()
        try MadeScan(head: 1).write(scratch.path + "/a.nii.gz")
        let manifest = try Manifest.read(
            scratch.write("m.csv", "case,patient,T1w\na,p,a.nii.gz\nb,q,gone.nii\nc,r,\n"))
        let recipe = Recipe(size: 32)
        let fresh = try CaseLoader(recipe: recipe, cache: nil).prepared(manifest.cases[0])
        let cache = PreparedCache(folder: scratch.path + "/cache")
        for _ in 0..<2 {
            let loader = CaseLoader(recipe: recipe, cache: cache)
            #expect(try loader.prepared(manifest.cases[0]) == fresh)
        }
        #expect(fresh.present == [true, false, false, false])
        for (index, words) in [(1, "gone.nii"), (2, "names no scan")] {
            for cache in [nil, cache] {
                let error = #expect(throws: CohortError.self) {
                    try CaseLoader(recipe: recipe, cache: cache).prepared(manifest.cases[index])
                }
                #expect(error?.message.hasPrefix("case \(index == 1 ? "b (row 3)" : "c (row 4)")") == true)
                #expect(error?.message.contains(words) == true)
            }
        }
    }
}
