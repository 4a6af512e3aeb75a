import Cohort
import Imaging
import Testing

@Suite("Trivial model")
struct TrivialModelTests {
    /// A cohort of one scan a case whose gain and missing contrasts may follow the label.
    static func cohort(_ count: Int, gain: (Int, Bool) -> Float, both: (Int, Bool) -> Bool) throws -> CohortReport {
        var scans: [String: MadeScan] = [:]
        var table = "case,patient,T1w,FLAIR,y\n"
        for number in 0..<count {
            let isPositive = number % 2 == 1
            var (t1w, flair) = CohortCheckTests.pair(UInt64(number + 1))
            (t1w.dims, flair.dims) = ([20, 22, 18], [20, 22, 18])
            t1w.gain = gain(number, isPositive)
            scans["\(number)a.nii"] = t1w
            scans["\(number)b.nii"] = flair
            let second = both(number, isPositive) ? "\(number)b.nii" : ""
            table += "c\(number),p\(number),\(number)a.nii,\(second),\(isPositive ? "ill" : "well")\n"
        }
        return try CohortCheckTests.check(scans, table, task: "y", recipe: Recipe(size: 16))
    }

    @Test("A label that follows the missing contrast is a shortcut, and the check names the clue")
    func presence() throws {
        let report = try Self.cohort(40, gain: { number, _ in 1 + Float(number % 7) / 10 }, both: { $1 })
        let model = try #require(report.trivialModels.first)
        #expect(model.isShortcut)
        #expect(model.classes.map(\.name) == ["well"])
        #expect(model.strongest == "presence of FLAIR")
        #expect(report.findings.contains { $0.kind == .shortcut && $0.severity == .warning })
        #expect(report.text.contains("y: the cohort has a shortcut, AUC"), "\(model.sentence)")
        #expect(report.isUsable)
    }

    @Test("A label that follows the brightness is a shortcut too")
    func brightness() throws {
        let report = try Self.cohort(
            40, gain: { number, isPositive in (isPositive ? 1.6 : 1) + Float(number % 7) / 10 }, both: { _, _ in true })
        #expect(report.trivialModels.first?.isShortcut == true)
        #expect(report.trivialModels.first?.strongest?.hasPrefix("T1w intensity") == true)
    }

    @Test("A label that follows nothing is none, and few cases are said not to rule one out")
    func honest() throws {
        let report = try Self.cohort(
            40, gain: { number, _ in 1 + Float(number / 2 % 9) / 10 }, both: { number, _ in number % 4 < 2 })
        let model = try #require(report.trivialModels.first)
        #expect(!model.isShortcut)
        #expect(model.classes[0].auc < 0.75)
        #expect(!report.findings.contains { $0.kind == .shortcut })
        #expect(model.sentence.contains("no shortcut found"))
    }

    @Test("Fewer than five cases of a class are not judged")
    func few() throws {
        let report = try Self.cohort(8, gain: { _, isPositive in isPositive ? 9 : 1 }, both: { _, _ in true })
        #expect(report.trivialModels.first?.classes.isEmpty == true)
        #expect(report.text.contains("y: needs 5 readable cases of a class"))
    }
}
