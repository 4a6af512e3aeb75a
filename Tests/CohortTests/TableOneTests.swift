import Cohort
import Testing

@Suite("Table 1")
struct TableOneTests {
    static func table(_ cases: [(sex: String?, label: String?, count: Int)]) throws -> TableOne {
        var records: [CaseRecord] = []
        for entry in cases {
            for _ in 0..<entry.count {
                var record = CaseRecord(id: "c\(records.count)")
                record.facts.sex = entry.sex
                record.facts.age = Double(records.count % 100)
                if let label = entry.label { record.labels["y"] = label }
                records.append(record)
            }
        }
        let manifest = Manifest(source: "t", cases: records, tasks: ["y"])
        return TableOne(records.map { ($0, .train, []) }, task: try LabelTask(manifest: manifest, column: "y"))
    }

    static func row(_ table: TableOne, _ property: String, _ value: String) -> [String]? {
        table.rows.first { $0.property == property && $0.value == value }?.cells.map(\.text)
    }

    @Test("Cases are counted by class; those without a label in none")
    func counts() throws {
        let table = try Self.table([
            ("female", "0", 7), ("male", "0", 9), ("female", "1", 12), ("male", "1", 5), ("male", nil, 50),
        ])
        #expect(table.columns == ["0", "1"])
        #expect(Self.row(table, "cases", "all") == ["16", "17"])
        #expect(Self.row(table, "sex", "female") == ["7", "12"])
        #expect(Self.row(table, "sex", "male") == ["9", "5"])
    }

    @Test("Counts under five are withheld, and with them the one that would give them away")
    func suppression() throws {
        let table = try Self.table([
            ("female", "0", 4), ("male", "0", 9), ("other", "0", 20), ("female", "1", 4), ("male", "1", 3),
            ("other", "1", 8),
        ])
        #expect(Self.row(table, "sex", "female") == ["<5", "<5"])
        #expect(Self.row(table, "sex", "male") == ["n/s", "<5"])
        #expect(Self.row(table, "sex", "other") == ["20", "8"])
        for row in table.rows {
            for cell in row.cells { if case .count(let count) = cell { #expect(count >= 5) } }
        }
    }

    @Test("What is hidden has more than one solution: two noughts, or two fours, take the next smallest with them")
    func solutions() throws {
        let table = try Self.table([
            ("a", "0", 9), ("b", "0", 20), ("c", "1", 4), ("d", "1", 4), ("a", "1", 5), ("b", "1", 30),
        ])
        // In class 0, c and d are 0 each; in class 1, the sum of 8 says 4 each.
        #expect(["a", "b", "c", "d"].map { Self.row(table, "sex", $0)?[0] } == ["n/s", "20", "<5", "<5"])
        #expect(["a", "b", "c", "d"].map { Self.row(table, "sex", $0)?[1] } == ["n/s", "30", "<5", "<5"])
        let mixed = try Self.table([("a", "0", 1), ("b", "0", 2), ("c", "0", 9), ("d", "1", 6)])
        #expect(["a", "b", "c"].map { Self.row(mixed, "sex", $0)?[0] } == ["<5", "<5", "9"])
    }

    @Test("A count of nought is as little shown as one of four")
    func zero() throws {
        let table = try Self.table([("female", "0", 6), ("male", "0", 6), ("female", "1", 6)])
        #expect(Self.row(table, "sex", "male") == ["6", "<5"])
        #expect(Self.row(table, "sex", "female") == ["6", "n/s"])
    }

    @Test("A property no case states is left out; where some do, the others are not stated")
    func silence() throws {
        let table = try Self.table([("female", "0", 6), (nil, "0", 6), ("male", "1", 6)])
        #expect(Self.row(table, "sex", "not stated")?[0] == "6")
        #expect(!table.rows.contains { $0.property == "scanner" || $0.property == "field" })
    }
}
