import Foundation
import Reporting
import Testing

@Suite struct ReportTests {
    private func table() -> ReportTable {
        var table = ReportTable("cases", title: "Cases <by> \"site\"", columns: ["site", "cases"], note: "a & b")
        table.add(["one, \"two\"", "3"])
        return table
    }

    private func report() -> Report {
        let chart = LineChart(
            "loss", title: "Loss", x: "round", y: "loss",
            [.init("mean", [.init(1, 0.7), .init(2, 0.5, [0.4, 0.6])])])
        let forest = ForestPlot(
            "forest", title: "Forest", label: "change",
            [.init("a", 0.1, [0, 0.2], weight: 1), .init("all", 0.1, nil, weight: nil)])
        return Report(
            title: "A <study>", notice: "Not for patients.",
            sections: [
                .init("S", [.text("x < y"), .table(table()), .lines(chart), .forest(forest), .verbatim("a: <b>")])
            ])
    }

    @Test("CSV quotes what needs it, and holds what a figure is drawn from")
    func csv() {
        #expect(table().csv == "site,cases\n\"one, \"\"two\"\"\",3\n")
        let tables = report().tables
        #expect(tables.map(\.name) == ["cases", "loss", "forest"])
        #expect(tables[1].rows == [["mean", "1", "0.7", "", ""], ["mean", "2", "0.5", "0.4", "0.6"]])
        #expect(tables[2].rows[1] == ["all", "0.1", "", "", ""])
    }

    @Test("the page is well-formed, asks for nothing from elsewhere, escapes texts, and says the notice first and last")
    func page() throws {
        let html = report().html
        for word in ["http://", "https://", "src=", "<script", "url(", "@import"] { #expect(!html.contains(word)) }
        #expect(html.contains("A &lt;study&gt;") && html.contains("x &lt; y") && html.contains("a: &lt;b&gt;"))
        #expect(html.components(separatedBy: "Not for patients.").count == 3)
        // As XML, but for the doctype and the void meta element.
        let body = html.replacingOccurrences(of: "<!DOCTYPE html>\n", with: "")
            .replacing(/<meta [^>]*>/, with: "")
        let found = Elements()
        let parser = Markup(body)
        #expect(parser.isBalanced(found))
        #expect(found.names["svg"] == 2 && found.names["table"] == 1)
    }

    @Test("drawings stay within their frame, whatever the numbers")
    func frame() {
        for points in [[LineChart.Point(5, 5)], [.init(0, 1e9), .init(1e-9, -1e9)], [.init(1, 1), .init(1, 1)], []] {
            let chart = LineChart("c", title: "C", x: "x", y: "y", [.init("s", points)])
            let svg = chart.svg
            #expect(!svg.contains("nan") && !svg.contains("inf"))
            for match in svg.matches(of: /c[xy]="(-?[0-9.]+)"/) {
                #expect((0...460).contains(Double(match.1) ?? -1))
            }
        }
    }

    @Test("files are written with the page last, readable by their owner")
    func files() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "report-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let files = try report().write(to: folder)
        #expect(
            files.map { ($0 as NSString).lastPathComponent } == ["report.html", "cases.csv", "loss.csv", "forest.csv"])
        #expect(files.allSatisfy { FileManager.default.fileExists(atPath: $0) })
        #expect(throws: (any Error).self) { try report().write(to: "/proc/none") }
    }
}

/// How often each element was opened.
private final class Elements { var names: [String: Int] = [:] }

/// Whether every element that is opened is closed in order.
private struct Markup {
    private let text: String
    init(_ text: String) { self.text = text }

    func isBalanced(_ found: Elements) -> Bool {
        var open: [Substring] = []
        for match in text.matches(of: /<(\/?)([a-z0-9]+)[^>]*?(\/?)>/) {
            if !match.3.isEmpty { continue }
            if match.1.isEmpty {
                open.append(match.2)
                found.names[String(match.2), default: 0] += 1
            } else if open.popLast() != match.2 {
                return false
            }
        }
        return open.isEmpty
    }
}
