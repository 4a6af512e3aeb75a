import Cohort
import Testing

@Suite("Comma-separated values")
struct CSVTests {
    static func rows(_ text: String) throws -> [[String]] {
        try CSV.rows(of: Array(text.utf8), name: "t.csv").map(\.fields)
    }

    static func error(_ bytes: [UInt8], limits: CSV.Limits = CSV.Limits()) -> String? {
        do {
            _ = try CSV.rows(of: bytes, name: "t.csv", limits: limits)
            return nil
        } catch { return error.message }
    }

    @Test(
        "RFC 4180's rules are followed, and the three line ends, a byte-order mark and blank rows are understood",
        arguments: [
            ("a,b\n1,2\n", [["a", "b"], ["1", "2"]]),
            ("a,b\r\n1,2", [["a", "b"], ["1", "2"]]),
            ("a,b\r1,2\r", [["a", "b"], ["1", "2"]]),
            ("\u{FEFF}a,b\n1,2", [["a", "b"], ["1", "2"]]),
            ("\"a\",\"b,c\"\n\"x \"\"y\"\"\",\"two\r\nlines\"\n", [["a", "b,c"], ["x \"y\"", "two\r\nlines"]]),
            ("a,\n,2\n", [["a", ""], ["", "2"]]),
            ("a,b\n\n , \n1,\"\"\n\n", [["a", "b"], ["1", ""]]),
            ("", []), ("\u{FEFF}", []), ("\n\n", []), ("a", [["a"]]), ("ä,ß\n日本,🧠", [["ä", "ß"], ["日本", "🧠"]]),
        ])
    func grammar(text: String, expected: [[String]]) throws {
        #expect(try Self.rows(text) == expected)
    }

    @Test("Rows are numbered as a spreadsheet does, blank rows and quoted line ends included")
    func numbering() throws {
        let rows = try CSV.rows(of: Array("a\n\n\"x\ny\"\nz\n".utf8), name: "t.csv")
        #expect(rows.map(\.number) == [1, 3, 4])
    }

    @Test(
        "What is not CSV is refused with the row and what to do",
        arguments: [
            ("a,b\n1\n", "row 2: there are 1 fields where the header has 2"),
            ("a\n\"x\n", "row 2: a quotation mark is never closed"),
            ("a\n\"x\"y\n", "row 2: text follows a closing quotation mark"),
            ("a\nx\"y\n", "row 2: a quotation mark stands inside"),
            ("a\nx\0y\n", "row 2: there is a zero byte"),
        ])
    func refusals(text: String, words: String) {
        #expect(Self.error(Array(text.utf8))?.contains(words) == true)
    }

    @Test("Text that is not UTF-8 is refused: Latin-1 by its row, UTF-16 by its mark")
    func encodings() {
        #expect(Self.error([0x61, 0x0A, 0xE4, 0x0A])?.contains("row 2: the text is not UTF-8") == true)
        #expect(Self.error([0xFF, 0xFE, 0x61, 0])?.contains("UTF-16") == true)
    }

    @Test("Every limit is kept")
    func limits() {
        var limits = CSV.Limits()
        (limits.bytes, limits.rows, limits.columns, limits.fieldBytes) = (100, 3, 4, 8)
        func error(_ text: String) -> String? { Self.error(Array(text.utf8), limits: limits) }
        #expect(error("a\nb\nc\n") == nil)
        #expect(error("a\nb\nc\nd\n")?.contains("more than 3 rows") == true)
        #expect(error("a,b,c,d") == nil)
        #expect(error("a,b,c,d,e")?.contains("more than 4 fields") == true)
        #expect(error("12345678") == nil)
        #expect(error("123456789")?.contains("longer than 8 bytes") == true)
        #expect(error(String(repeating: "a\n", count: 51))?.contains("too large") == true)
    }

    @Test("No bytes make the parser stop the program")
    func arbitraryBytes() {
        var random = SplitMix(state: 4)
        let alphabet: [UInt8] = Array("\"\",,\n\r a1é\0".utf8) + [0xFF, 0xC3, 0xEF, 0xBB, 0xBF]
        var refused = 0
        for _ in 0..<20_000 {
            let bytes = (0..<Int(random.next() % 40)).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] }
            do {
                let manifest = try Manifest.parse(Array("case,patient\n".utf8) + bytes, name: "t", folder: "")
                #expect(manifest.cases.allSatisfy { !$0.id.isEmpty })
            } catch {
                refused += 1
                #expect(error.message.hasSuffix("."))
            }
        }
        #expect(refused > 0)
    }
}
