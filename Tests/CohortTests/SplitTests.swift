import Cohort
import Testing

@Suite("Division of patients")
struct SplitTests {
    static func manifest(patients: Int, casesEach: Int = 1, positives: Int) -> Manifest {
        var cases: [CaseRecord] = []
        for patient in 0..<patients {
            for visit in 0..<casesEach {
                var record = CaseRecord(id: "c\(patient)-\(visit)", patient: "p\(patient)")
                record.labels = ["y": patient < positives ? "1" : "0"]
                cases.append(record)
            }
        }
        return Manifest(source: "t", cases: cases, tasks: ["y"])
    }

    @Test("A hundred patients are divided 60, 20, 20, and so are those of each class")
    func shares() throws {
        let manifest = Self.manifest(patients: 100, positives: 30)
        let task = try LabelTask(manifest: manifest, column: "y")
        let splits = manifest.splits(task: task)
        func count(_ split: Split, _ label: String) -> Int {
            zip(manifest.cases, splits).count { $0.0.labels["y"] == label && $0.1 == split }
        }
        #expect(Split.allCases.map { count($0, "1") } == [18, 6, 6])
        #expect(Split.allCases.map { count($0, "0") } == [42, 14, 14])
    }

    @Test("All cases of a patient are in one split")
    func patients() {
        let manifest = Self.manifest(patients: 17, casesEach: 3, positives: 8)
        var found: [String: Set<Split>] = [:]
        for (record, split) in zip(manifest.cases, manifest.splits()) {
            found[record.patient, default: []].insert(split)
        }
        #expect(found.values.allSatisfy { $0.count == 1 })
        #expect(Set(found.values.flatMap { $0 }).count == 3)
    }

    @Test("The division depends on names, not on the order of the rows")
    func determinism() {
        let manifest = Self.manifest(patients: 40, positives: 10)
        var turned = manifest
        turned.cases.reverse()
        #expect(manifest.splits() == turned.splits().reversed())
        // SHA-256 of the names, computed with Python's hashlib and the rule in the documentation.
        let letters = manifest.splits().prefix(12).map { String($0.rawValue.prefix(2)) }
        #expect(letters == Self.fromPython)
    }

    static let fromPython = ["se", "se", "tr", "te", "tr", "tr", "te", "se", "tr", "tr", "tr", "tr"]

    @Test("Few patients go to training first, then to where most is owed")
    func fewPatients() {
        func counts(_ n: Int) -> [Int] {
            let splits = Self.manifest(patients: n, positives: 0).splits()
            return Split.allCases.map { split in splits.count { $0 == split } }
        }
        #expect(counts(1) == [1, 0, 0])
        #expect(counts(2) == [1, 1, 0])
        #expect(counts(4) == [2, 1, 1])
        #expect(counts(5) == [3, 1, 1])
        #expect(counts(10) == [6, 2, 2])
    }

    @Test("A split the table names is taken as it is")
    func named() {
        var manifest = Self.manifest(patients: 3, positives: 1)
        for (index, split) in [Split.test, .test, .select].enumerated() { manifest.cases[index].split = split }
        #expect(manifest.splits() == [.test, .test, .select])
        #expect(manifest.patientsInSeveralSplits.isEmpty)
        manifest.cases[1].patient = "p2"
        #expect(manifest.patientsInSeveralSplits == ["p2"])
    }
}
