import Foundation

/// Curves of points, each with an interval where it has one.
package struct LineChart: Sendable, Equatable {
    package struct Point: Sendable, Equatable {
        package let x, y: Double
        /// Lower and upper end.
        package let interval: [Double]?

        package init(_ x: Double, _ y: Double, _ interval: [Double]? = nil) {
            self.x = x
            self.y = y
            self.interval = interval
        }
    }

    package struct Series: Sendable, Equatable {
        package let name: String
        package let points: [Point]

        package init(_ name: String, _ points: [Point]) {
            self.name = name
            self.points = points
        }
    }

    package let name, title, xLabel, yLabel: String
    package let series: [Series]
    /// Ranges of the axes; those of the points when nil.
    package var xRange: ClosedRange<Double>?
    package var yRange: ClosedRange<Double>?
    /// A line from corner to corner, of chance or of perfect calibration.
    package var hasDiagonal = false

    /// - Parameter name: of the CSV file it is drawn from.
    package init(_ name: String, title: String, x: String, y: String, _ series: [Series]) {
        self.name = name
        self.title = title
        xLabel = x
        yLabel = y
        self.series = series
    }

    /// The points as they are written, and drawn.
    package var table: ReportTable {
        var table = ReportTable(name, title: title, columns: ["series", xLabel, yLabel, "lower", "upper"])
        for one in series {
            for p in one.points {
                table.add([one.name] + [p.x, p.y, p.interval?[0], p.interval?[1]].map { Number.text($0) })
            }
        }
        return table
    }

    /// An image of 460 × 320 units.
    package var svg: String {
        let points = series.flatMap(\.points)
        guard !points.isEmpty else { return HTML.paragraph("\(title): nothing to draw", kind: "note") }
        var ys: [Double] = []
        for point in points { ys += [point.y] + (point.interval ?? []) }
        let frame = PlotFrame(
            x: xRange ?? PlotFrame.range(points.map(\.x)), y: yRange ?? PlotFrame.range(ys), width: 460, height: 320)
        var parts = [frame.axes(xLabel, yLabel)]
        if hasDiagonal {
            parts.append(
                frame.line(
                    [(frame.x.lowerBound, frame.y.lowerBound), (frame.x.upperBound, frame.y.upperBound)],
                    style: "stroke:#999;stroke-dasharray:4 3"))
        }
        for (i, one) in series.enumerated() {
            let colour = PlotFrame.colours[i % PlotFrame.colours.count]
            parts.append(frame.line(one.points.map { ($0.x, $0.y) }, style: "stroke:\(colour);stroke-width:1.6"))
            for point in one.points {
                if let interval = point.interval {
                    parts.append(
                        frame.line(
                            [(point.x, interval[0]), (point.x, interval[1])], style: "stroke:\(colour);opacity:0.6"))
                }
                if one.points.count <= 40 {
                    parts.append(
                        "<circle cx=\"\(frame.across(point.x))\" cy=\"\(frame.up(point.y))\" r=\"2.4\" fill=\"\(colour)\"/>"
                    )
                }
            }
            parts.append(frame.legend(i, one.name, colour))
        }
        return frame.svg(title, parts, rows: series.count)
    }
}

/// Estimates with intervals one above the other, and what they are together.
package struct ForestPlot: Sendable, Equatable {
    package struct Row: Sendable, Equatable {
        package let name: String
        package let value: Double
        package let interval: [Double]?
        /// Share of the whole, 0…1, the size of its square; nil for the row of all together.
        package let weight: Double?

        package init(_ name: String, _ value: Double, _ interval: [Double]?, weight: Double?) {
            self.name = name
            self.value = value
            self.interval = interval
            self.weight = weight
        }
    }

    package let name, title, label: String
    package let rows: [Row]

    package init(_ name: String, title: String, label: String, _ rows: [Row]) {
        self.name = name
        self.title = title
        self.label = label
        self.rows = rows
    }

    package var table: ReportTable {
        var table = ReportTable(name, title: title, columns: ["site", label, "lower", "upper", "weight"])
        for row in rows {
            table.add([row.name] + [row.value, row.interval?[0], row.interval?[1], row.weight].map { Number.text($0) })
        }
        return table
    }

    package var svg: String {
        guard !rows.isEmpty else { return HTML.paragraph("\(title): nothing to draw", kind: "note") }
        var values = [0.0]
        for row in rows { values += [row.value] + (row.interval ?? []) }
        let frame = PlotFrame(
            x: PlotFrame.range(values), y: 0...Double(rows.count), width: 460, height: 60 + 24 * rows.count, left: 120)
        var parts = [frame.axes(label, "", ticksUp: false)]
        if frame.x.contains(0) {
            parts.append(frame.line([(0, 0), (0, Double(rows.count))], style: "stroke:#999;stroke-dasharray:4 3"))
        }
        for (i, row) in rows.enumerated() {
            let y = Double(rows.count - i) - 0.5
            if let interval = row.interval {
                parts.append(frame.line([(interval[0], y), (interval[1], y)], style: "stroke:#333"))
            }
            let half = 2.5 + 5 * (row.weight ?? 0.6).squareRoot()
            let (cx, cy) = (frame.across(row.value), frame.up(y))
            parts.append(
                row.weight == nil
                    ? "<path d=\"M\(cx - half) \(cy)L\(cx) \(cy - half)L\(cx + half) \(cy)L\(cx) \(cy + half)Z\" fill=\"#b33\"/>"
                    : "<rect x=\"\(cx - half)\" y=\"\(cy - half)\" width=\"\(2 * half)\" height=\"\(2 * half)\" fill=\"#246\"/>"
            )
            parts.append("<text x=\"4\" y=\"\(cy + 4)\">\(HTML.escaped(String(row.name.prefix(18))))</text>")
        }
        return frame.svg(title, parts, rows: 0)
    }
}

/// Numbers as CSV has them.
package enum Number {
    /// Six significant digits; empty for none.
    package static func text(_ value: Double?) -> String {
        guard let value, value.isFinite else { return "" }
        return String(format: "%.6g", value)
    }
}

/// The axes of a drawing.
struct PlotFrame {
    let x, y: ClosedRange<Double>
    let width, height: Int
    var left = 56
    private let top = 12, right = 12, bottom = 44

    static let colours = ["#246", "#b33", "#383", "#a60", "#639", "#088", "#666", "#c3c"]

    init(x: ClosedRange<Double>, y: ClosedRange<Double>, width: Int, height: Int, left: Int = 56) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
        self.left = left
    }

    /// From the least to the greatest with a little room; never empty.
    static func range(_ values: [Double]) -> ClosedRange<Double> {
        let low = values.min() ?? 0
        let high = values.max() ?? 1
        let room = max((high - low) * 0.05, abs(high) * 1e-3, 1e-6)
        return low - room...high + room
    }

    private func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }

    func across(_ value: Double) -> Double {
        rounded(
            Double(left) + (value - x.lowerBound) / (x.upperBound - x.lowerBound) * Double(width - left - right))
    }

    func up(_ value: Double) -> Double {
        rounded(
            Double(height - bottom) - (value - y.lowerBound) / (y.upperBound - y.lowerBound)
                * Double(height - top - bottom))
    }

    func line(_ points: [(Double, Double)], style: String) -> String {
        let places = points.map { "\(across($0.0)),\(up($0.1))" }.joined(separator: " ")
        return "<polyline points=\"\(places)\" style=\"fill:none;\(style)\"/>"
    }

    /// Whole steps of 1, 2 or 5 times a power of ten.
    private static func ticks(_ range: ClosedRange<Double>) -> [Double] {
        let raw = (range.upperBound - range.lowerBound) / 5
        let power = pow(10, floor(log10(raw)))
        let step = [1, 2, 5, 10].map { $0 * power }.first { $0 >= raw } ?? raw
        return stride(from: ceil(range.lowerBound / step) * step, through: range.upperBound, by: step).map { $0 }
    }

    func axes(_ xLabel: String, _ yLabel: String, ticksUp: Bool = true) -> String {
        let (x0, y0) = (left, height - bottom)
        var parts = [
            "<path d=\"M\(x0) \(top)V\(y0)H\(width - right)\" style=\"fill:none;stroke:#333\"/>",
            "<text x=\"\((left + width - right) / 2)\" y=\"\(height - 8)\" text-anchor=\"middle\">\(HTML.escaped(xLabel))</text>",
        ]
        if !yLabel.isEmpty {
            let middle = (top + y0) / 2
            parts.append(
                "<text x=\"12\" y=\"\(middle)\" text-anchor=\"middle\" transform=\"rotate(-90 12 \(middle))\">"
                    + "\(HTML.escaped(yLabel))</text>")
        }
        func label(_ value: Double) -> String { String(format: "%g", (value * 1e6).rounded() / 1e6) }
        for tick in Self.ticks(x) {
            parts.append(
                "<path d=\"M\(across(tick)) \(y0)v4\" style=\"stroke:#333\"/><text x=\"\(across(tick))\" y=\"\(y0 + 16)\" "
                    + "text-anchor=\"middle\">\(label(tick))</text>")
        }
        for tick in ticksUp ? Self.ticks(y) : [] {
            parts.append(
                "<path d=\"M\(x0) \(up(tick))h-4\" style=\"stroke:#333\"/><text x=\"\(x0 - 7)\" y=\"\(up(tick) + 4)\" "
                    + "text-anchor=\"end\">\(label(tick))</text>")
        }
        return parts.joined(separator: "\n")
    }

    /// Under the drawing, a row a curve.
    func legend(_ row: Int, _ name: String, _ colour: String) -> String {
        let y = height + 14 * row + 6
        return "<path d=\"M\(left) \(y)h18\" style=\"stroke:\(colour);stroke-width:2\"/>"
            + "<text x=\"\(left + 24)\" y=\"\(y + 4)\">\(HTML.escaped(name))</text>"
    }

    func svg(_ title: String, _ parts: [String], rows: Int) -> String {
        let tall = height + (rows > 0 ? 14 * rows + 8 : 0)
        return "<figure><figcaption>\(HTML.escaped(title))</figcaption>\n"
            + "<svg viewBox=\"0 0 \(width) \(tall)\" width=\"\(width)\" height=\"\(tall)\" role=\"img\" "
            + "aria-label=\"\(HTML.escaped(title))\">\n" + parts.joined(separator: "\n") + "\n</svg></figure>\n"
    }
}
