import Foundation

/// Rows under columns: what a figure is drawn from, or what is shown as it is. Written as CSV beside the report.
package struct ReportTable: Sendable, Equatable {
    /// File name without extension, of a-z, 0-9 and the hyphen.
    package let name: String
    package let title: String
    package let columns: [String]
    package private(set) var rows: [[String]] = []
    /// Sentences under it.
    package var note = ""

    package init(_ name: String, title: String, columns: [String], note: String = "") {
        self.name = name
        self.title = title
        self.columns = columns
        self.note = note
    }

    /// - Parameter cells: one a column.
    package mutating func add(_ cells: [String]) {
        precondition(cells.count == columns.count, "\(name) has \(columns.count) columns")
        rows.append(cells)
    }

    /// As RFC 4180 has it.
    package var csv: String {
        ([columns] + rows).map { $0.map(Self.quoted).joined(separator: ",") + "\n" }.joined()
    }

    private static func quoted(_ cell: String) -> String {
        guard cell.contains(where: { ",\"\r\n".contains($0) }) else { return cell }
        return "\"" + cell.replacingOccurrences(of: "\"", with: "\"\"") + "\""
    }

    var html: String {
        func row(_ cells: [String], _ tag: String) -> String {
            "<tr>" + cells.map { "<\(tag)>\(HTML.escaped($0))</\(tag)>" }.joined() + "</tr>\n"
        }
        return "<table>\n<caption>\(HTML.escaped(title))</caption>\n" + row(columns, "th")
            + rows.map { row($0, "td") }.joined() + "</table>\n" + HTML.paragraph(note, kind: "note")
    }
}

/// Text as HTML.
enum HTML {
    static func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
            .replacingOccurrences(of: ">", with: "&gt;").replacingOccurrences(of: "\"", with: "&quot;")
    }

    /// Nothing for an empty text.
    static func paragraph(_ text: String, kind: String = "") -> String {
        text.isEmpty ? "" : "<p\(kind.isEmpty ? "" : " class=\"\(kind)\"")>\(escaped(text))</p>\n"
    }
}
