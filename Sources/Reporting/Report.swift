import Files
import Foundation

/// One HTML file that needs no network, and the CSV files that its tables and figures are made of.
package struct Report: Sendable {
    package enum Part: Sendable {
        case text(String)
        /// As it was written, such as a plan.
        case verbatim(String)
        case table(ReportTable)
        case lines(LineChart)
        case forest(ForestPlot)
    }

    package struct Section: Sendable {
        package let title: String
        package var parts: [Part]

        package init(_ title: String, _ parts: [Part]) {
            self.title = title
            self.parts = parts
        }
    }

    package let title: String
    /// Stands at the head, at the foot, and on every printed page.
    package let notice: String
    package var sections: [Section]

    package init(title: String, notice: String, sections: [Section]) {
        self.title = title
        self.notice = notice
        self.sections = sections
    }

    /// Every table, and those that figures are drawn from, by their file's name.
    package var tables: [ReportTable] {
        sections.flatMap(\.parts).compactMap { part in
            switch part {
            case .text, .verbatim: nil
            case .table(let table): table
            case .lines(let chart): chart.table
            case .forest(let plot): plot.table
            }
        }
    }

    package var html: String {
        let body = sections.map { section in
            "<section>\n<h2>\(HTML.escaped(section.title))</h2>\n" + section.parts.map(Self.html).joined()
                + "</section>\n"
        }
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
            <title>\(HTML.escaped(title))</title>
            <style>\(Self.style)</style></head>
            <body>
            <p class="notice">\(HTML.escaped(notice))</p>
            <h1>\(HTML.escaped(title))</h1>
            \(body.joined())<p class="notice page">\(HTML.escaped(notice))</p>
            </body></html>

            """
    }

    private static let style = """
        body{font:15px/1.45 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
        table{border-collapse:collapse;margin:1rem 0;font-size:13px}caption{text-align:left;font-weight:bold}
        th,td{border-bottom:1px solid #ccc;padding:.2rem .6rem;text-align:left;vertical-align:top}
        figure{display:inline-block;margin:1rem 1rem 1rem 0;vertical-align:top}figcaption{font-weight:bold;font-size:13px}
        svg text{font:11px sans-serif}pre{background:#f4f4f4;padding:1rem;overflow-x:auto;font-size:12px}
        .notice{color:#b00;font-weight:bold}.note{color:#555;font-size:13px}section{break-inside:auto}
        @media print{.page{position:fixed;bottom:0;left:0;right:0;text-align:center;font-size:10px}}
        """

    private static func html(_ part: Part) -> String {
        switch part {
        case .text(let text): HTML.paragraph(text)
        case .verbatim(let text): "<pre>\(HTML.escaped(text))</pre>\n"
        case .table(let table): table.html
        case .lines(let chart): chart.svg
        case .forest(let plot): plot.svg
        }
    }

    /// Writes `report.html` and a CSV a table; each complete or not at all, the page last.
    /// - Parameter folder: is made when it is not there; what it holds of the same names is replaced.
    /// - Returns: paths, the page's first.
    package func write(to folder: String) throws -> [String] {
        let names = tables.map(\.name)
        precondition(Set(names).count == names.count, "two tables of one name in \(names)")
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        var written: [String] = []
        for table in tables {
            written.append("\(folder)/\(table.name).csv")
            try DurableFile.write(table.csv.utf8, to: written[written.count - 1])
        }
        let page = folder + "/report.html"
        try DurableFile.write(html.utf8, to: page)
        return [page] + written
    }
}
