import CoordinatorService
import Federation
import Reporting
import Testing

@Suite struct StudyComparisonTests {
    private func entry(
        _ study: String, _ task: String, _ initial: String, _ cases: Int, _ area: Double?,
        _ half: Double = 0.01959963984540054, seed: UInt64 = 1
    ) -> StudyComparison.Entry {
        StudyComparison.Entry(
            study: study, task: task, initial: initial, sites: 3, trainingCases: cases,
            area: area.map { .init(name: "area", value: $0, interval: [$0 - half, $0 + half]) }, seed: seed)
    }

    /// Half widths are 1.96 standard errors of 0.01, of a difference 0.0141421; p of z = 2.828427 and 7.071068 are
    /// SciPy's (2 · norm.sf).
    @Test("each study is held against the first of its task, p values are adjusted over all tasks")
    func contrasts() throws {
        let table = StudyComparison([
            entry("a", "detection", "weights x", 900, 0.80), entry("b", "detection", "preset small", 900, 0.76),
            entry("c", "idh", "weights x", 200, 0.60), entry("d", "idh", "preset small", 200, 0.50),
            entry("e", "idh", "preset resnet", 200, nil),
        ]).models
        #expect(table.rows.map { $0[1] } == ["a", "b", "c", "d", "e"])
        #expect(table.rows[0][5...].map { $0 } == ["0.8", "0.7804", "0.8196", "", "", "", "", ""])
        let b = table.rows[1][8...].compactMap { Double($0) }
        #expect(zip(b, [-0.04, -0.067718, -0.012282, 0.00467773, 0.00467773]).allSatisfy { abs($0 - $1) < 1e-5 })
        let d = table.rows[3][8...].compactMap { Double($0) }
        #expect(abs(d[3] - 1.53746e-12) < 1e-16 && abs(d[4] - 2 * 1.53746e-12) < 1e-16)
        #expect(table.rows[4][5...].joined().isEmpty)
    }

    /// An interval that ends at 1 is cut off there: its other side is what 1.96 standard errors of 0.03 make it.
    @Test("an area near 1 is no surer than its interval's longer side")
    func cutOff() throws {
        let half = 0.0587989
        var near = entry("a", "detection", "weights x", 900, 0.98)
        near.area?.interval = [0.98 - half, 1]
        let table = StudyComparison([near, entry("b", "detection", "preset small", 900, 0.86, half)]).models
        // p of z = 0.12 / (0.03 · √2) = 2.828427, as above.
        #expect(abs((Double(table.rows[1][11]) ?? 0) - 0.00467773) < 1e-5)
    }

    @Test("studies that began alike are one curve over their cases; one size alone is none")
    func curves() {
        let curves = StudyComparison([
            entry("a", "detection", "weights x", 900, 0.80), entry("b", "detection", "weights x", 90, 0.7),
            entry("c", "detection", "weights x", 270, nil), entry("d", "detection", "preset small", 900, 0.76),
            entry("e", "idh", "weights x", 200, 0.60),
        ]).curves
        #expect(curves.map(\.name) == ["learning-detection"])
        let rows = curves[0].table.rows
        #expect(rows.map { $0[0] } == ["weights x", "weights x"])
        #expect(rows.map { $0[1] } == ["90", "900"] && rows[0][2] == "0.7")
    }

    @Test("several seeds on the same cases are curves of their own")
    func seeds() {
        let curves = StudyComparison([
            entry("a", "idh", "weights x", 900, 0.80), entry("b", "idh", "weights x", 90, 0.7),
            entry("c", "idh", "weights x", 900, 0.82, seed: 2), entry("d", "idh", "weights x", 90, 0.71, seed: 2),
        ]).curves
        #expect(
            curves[0].table.rows.map { $0[0] } == [
                "weights x, seed 1", "weights x, seed 1", "weights x, seed 2", "weights x, seed 2",
            ])
    }

    @Test("studies alike in all, as of two rates, are told by their names")
    func twins() {
        let curves = StudyComparison([
            entry("a", "idh", "weights x", 900, 0.80), entry("b", "idh", "weights x", 900, 0.7),
            entry("c", "idh", "weights x", 90, 0.6),
        ]).curves
        #expect(curves.isEmpty)
    }

    @Test("a task's name may hold what a file's may not")
    func names() {
        let tasks = ["/../IDH", "----idh", "1p/19q"]
        let curves = StudyComparison(
            tasks.flatMap { [entry("a \($0)", $0, "weights x", 900, 0.8), entry("b \($0)", $0, "weights x", 90, 0.7)] }
        ).curves
        #expect(Set(curves.map(\.name)) == ["learning-----idh-1", "learning-----idh-2", "learning-1p-19q"])
    }
}
