/// Comma-separated values as RFC 4180 has them: quoted fields may hold commas, line ends and doubled quotation marks.
///
/// A byte-order mark is skipped; rows end with LF, CRLF or CR; rows whose fields are all blank are left out.
package enum CSV {
    /// One row of a file.
    package struct Row: Sendable, Equatable {
        /// As a spreadsheet numbers it: from 1, blank rows counted.
        package var number: Int
        /// The fields, quotation marks removed, as many as the first row has.
        package var fields: [String]
    }

    /// The most a file may hold.
    package struct Limits: Sendable {
        package var bytes = 64 << 20
        package var rows = 200_000
        package var columns = 1_024
        package var fieldBytes = 16_384
        package init() {}
    }

    private enum State { case fieldStart, unquoted, quoted, quoteInQuoted }

    /// Reads a whole file's bytes.
    /// - Parameters:
    ///   - bytes: UTF-8 text.
    ///   - name: the file's name, for the messages.
    /// - Returns: the rows that are not blank, the header first.
    /// - Throws: ``CohortError`` naming the file and the row.
    package static func rows(of bytes: [UInt8], name: String, limits: Limits = Limits()) throws(CohortError) -> [Row] {
        guard bytes.count <= limits.bytes else {
            throw CohortError(
                .badText,
                "\(name) is larger than \(limits.bytes >> 20) MiB, too large for a manifest; check the path or divide the table."
            )
        }
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            throw CohortError(.badText, "\(name) is UTF-16 text: save it as \"CSV UTF-8\".")
        }
        var reader = Reader(name: name, limits: limits)
        let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if byte == 0x0D, index < bytes.count, bytes[index] == 0x0A, reader.state != .quoted { continue }
            try reader.take(byte)
        }
        try reader.end()
        return reader.rows
    }

    private struct Reader {
        let name: String
        let limits: Limits
        var rows: [Row] = []
        var state = State.fieldStart
        private var number = 1
        private var fields: [String] = []
        private var field: [UInt8] = []

        init(name: String, limits: Limits) {
            self.name = name
            self.limits = limits
        }

        private func fail(_ what: String) -> CohortError { CohortError(.badText, "\(name), row \(number): \(what).") }

        mutating func take(_ byte: UInt8) throws(CohortError) {
            guard byte != 0 else {
                throw fail("there is a zero byte, so this is not text; save the table as \"CSV UTF-8\"")
            }
            switch (state, byte) {
            case (.quoted, UInt8(ascii: "\"")):
                state = .quoteInQuoted
            case (.quoted, _):
                try append(byte)
            case (.quoteInQuoted, UInt8(ascii: "\"")):
                try append(byte)
                state = .quoted
            case (_, UInt8(ascii: ",")):
                try endField()
            case (_, 0x0A), (_, 0x0D):
                try endRow()
            case (.quoteInQuoted, _):
                throw fail("text follows a closing quotation mark; double the quotation marks inside a field")
            case (.fieldStart, UInt8(ascii: "\"")):
                state = .quoted
            case (_, UInt8(ascii: "\"")):
                throw fail("a quotation mark stands inside an unquoted field; quote the whole field")
            default:
                try append(byte)
                state = .unquoted
            }
        }

        private mutating func append(_ byte: UInt8) throws(CohortError) {
            guard field.count < limits.fieldBytes else {
                throw fail("a field is longer than \(limits.fieldBytes) bytes; is a quotation mark missing?")
            }
            field.append(byte)
        }

        private mutating func endField() throws(CohortError) {
            guard fields.count < limits.columns else {
                throw fail("there are more than \(limits.columns) fields; leave columns out")
            }
            guard let text = String(validating: field, as: UTF8.self) else {
                throw fail("the text is not UTF-8; save the file as \"CSV UTF-8\"")
            }
            fields.append(text)
            field.removeAll(keepingCapacity: true)
            state = .fieldStart
        }

        private mutating func endRow() throws(CohortError) {
            try endField()
            if fields.contains(where: { !$0.allSatisfy(\.isWhitespace) }) {
                guard rows.count < limits.rows else {
                    throw fail("there are more than \(limits.rows) rows; divide the table")
                }
                if let header = rows.first, header.fields.count != fields.count {
                    throw fail(
                        "there are \(fields.count) fields where the header has \(header.fields.count); add or quote commas"
                    )
                }
                rows.append(Row(number: number, fields: fields))
            }
            fields.removeAll(keepingCapacity: true)
            number += 1
        }

        mutating func end() throws(CohortError) {
            guard state != .quoted else { throw fail("a quotation mark is never closed; close or remove it") }
            if state != .fieldStart || !fields.isEmpty { try endRow() }
        }
    }
}
