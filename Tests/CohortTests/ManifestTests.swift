import Cohort
import Imaging
import Testing

@Suite("Manifest")
struct ManifestTests {
    static func parse(_ text: String) throws -> Manifest {
        try Manifest.parse(Array(text.utf8), name: "cohort.csv", folder: "data/")
    }

    static func error(_ text: String) -> String? {
        do {
            _ = try parse(text)
            return nil
        } catch { return "\(error)" }
    }

    @Test("Every column has its meaning, and all others are tasks")
    func columns() throws {
        let manifest = try Self.parse(
            """
            case,patient,T1w,T1c,T2w,FLAIR,brain,mask,split,timepoint,treatment,label_method,age,sex,scanner,field,idh,grade
            a1,p1,t1.nii.gz,/abs/t1c.nii,,f.nii,b.nii,m.nii,train,pre-op,none,histology,045Y,F,Skyra,3 T,mut,3
            a2,p2,,,t2.nii,,,,test,,,,90+,m,,1.5,,2
            """)
        #expect(manifest.tasks == ["idh", "grade"])
        #expect(manifest.cases.count == 2)
        let first = manifest.cases[0]
        #expect((first.id, first.patient, first.row) == ("a1", "p1", 2))
        #expect(
            first.paths
                == CasePaths(
                    contrasts: [.t1w: "data/t1.nii.gz", .t1c: "/abs/t1c.nii", .flair: "data/f.nii"],
                    brain: "data/b.nii"))
        #expect(first.mask == "data/m.nii")
        #expect(first.split == .train)
        #expect(first.facts.timepoint == "pre-op")
        #expect(first.facts.treatment == "none")
        #expect(first.facts.labelMethod == "histology")
        #expect((first.facts.age, first.facts.sex) == (45, "female"))
        #expect((first.facts.scanner, first.facts.field) == ("Skyra", 3))
        #expect(first.labels == ["idh": "mut", "grade": "3"])
        #expect(manifest.cases[1].labels == ["grade": "2"])
        #expect(manifest.cases[1].facts.age == 90)
        #expect(manifest.cases[1].paths.contrasts == [.t2w: "data/t2.nii"])
    }

    @Test("Columns may be absent: without patient each case is its own, without split there is none")
    func absentColumns() throws {
        let manifest = try Self.parse("Case , VOLUME\nx,v.nii.gz\n")
        #expect(manifest.cases[0].patient == "x")
        #expect(!manifest.namesPatients)
        #expect(!manifest.hasSplit)
        #expect(manifest.cases[0].paths.volume == "data/v.nii.gz")
        #expect(manifest.tasks.isEmpty)
    }

    @Test(
        "A manifest that contradicts itself is refused with file, row and what to do",
        arguments: [
            ("", "cohort.csv is empty"),
            ("case,T1w\n", "has a header and no case"),
            ("patient,T1w\np,a.nii\n", "row 1: there is no column \"case\""),
            ("case;patient;T1w\na;p;x\n", "not separated by commas"),
            ("case,T1w,t1W\na,x,y\n", "row 1: there are two columns \"t1W\""),
            ("case,,x\na,b,c\n", "row 1: column 2 has no name"),
            ("case,patient\na,p\nb,p\na,p\n", "row 4: case a is already in row 2"),
            ("case,patient\na,\n", "row 2: case a names no patient"),
            ("case,T1w\n,x.nii\n", "row 2: the case has no name"),
            ("case,T1w\na/b,x.nii\n", "row 2: rename the case: its name must be"),
            ("case,T1w\n..,x.nii\n", "row 2: rename the case: its name must be"),
            ("case,T1w,volume\na,x.nii,v.nii\n", "row 2: case a names a volume and single contrasts"),
            ("case,split\na,training\n", "row 2: the split is \"training\" ; write train, select or test"),
            ("case,split\na,train\nb,\n", "row 3: the split is empty"),
            ("case,age\na,old\n", "row 2: the age is \"old\""), ("case,age\na,400\n", "row 2: the age is"),
            ("case,field\na,-3\n", "row 2: the field is"),
            ("case,t1ce\na,x_t1ce.nii.gz\n", "row 2: column t1ce holds a file; scans go into T1w"),
        ])
    func refusals(text: String, words: String) {
        let message = Self.error(text)
        #expect(message?.contains(words) == true, "\(message ?? "accepted")")
        #expect(message?.hasPrefix("cohort.csv") == true)
        #expect(message?.hasSuffix(".") == true)
    }

    @Test("A path that is no file is refused in one sentence")
    func unreadable() {
        for path in ["/nowhere/cohort.csv", "/tmp", "/dev/zero"] {
            #expect(throws: CohortError.self) { try Manifest.read(path) }
        }
    }

    @Test("A task's classes are numbers by value, then texts; its labels count in that order")
    func classes() throws {
        let manifest = try Self.parse("case,grade\na,10\nb,9\nc,B\nd,\ne,A\nf,9\n")
        let task = try LabelTask(manifest: manifest, column: "grade")
        #expect(task.classes == ["9", "10", "A", "B"])
        #expect(try manifest.cases.map { try task.label(of: $0) } == [1, 0, 3, nil, 2, 0])
    }

    @Test(
        "What makes no task is refused",
        arguments: [
            ("case,x\na,1\n", "no label column \"y\": choose one of x"),
            ("case,y\na,\n", "no case has a label in column y"),
            ("case,y\na,1\nb,NA\n", "row 3: y is \"NA\"; leave a label that is not known empty"),
            ("case,y\na,Glioma\nb,glioma\n", "row 3: y is \"glioma\" and \"Glioma\" elsewhere (row 2)"),
            ("case,y\na,1\nb,1.0\n", "write one class one way"),
            ("case,y\n" + (0..<65).map { "c\($0),v\($0)\n" }.joined(), "has 65 different values"),
        ])
    func noTask(text: String, words: String) throws {
        let manifest = try Self.parse(text)
        let error = #expect(throws: CohortError.self) { try LabelTask(manifest: manifest, column: "y") }
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }

    @Test("A label outside a trained model's classes is named with its row")
    func labelOutside() throws {
        let manifest = try Self.parse("case,idh\na,wt\nb,mutant\n")
        let task = LabelTask(column: "idh", classes: ["mut", "wt"])
        let error = #expect(throws: CohortError.self) { try task.label(of: manifest.cases[1]) }
        #expect(
            error?.message.hasPrefix(
                "cohort.csv, row 3: idh is \"mutant\", which is none of the task's classes (mut, wt)") == true)
    }
}
