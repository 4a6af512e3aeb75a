/// A cursor over JSON text that reads objects, texts and whole numbers, and can be told how long each may be.
///
/// Every read checks its bounds; nothing here can trap whatever the bytes are.
struct JSONScanner {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// The byte at the cursor, nil at the end.
    func peek() -> UInt8? {
        position < bytes.count ? bytes[position] : nil
    }

    /// A failure at the cursor.
    func malformed(_ reason: String) -> WeightsError {
        WeightsError(.malformed, "its header is refused at byte \(position): \(reason)")
    }

    /// Passes white space, then one byte that must be there.
    mutating func expect(_ byte: UInt8) throws(WeightsError) {
        skipSpace()
        guard peek() == byte else {
            throw malformed("“\(Character(Unicode.Scalar(byte)))” was expected")
        }
        position += 1
    }

    /// Passes white space, which must be all that is left.
    mutating func expectEnd() throws(WeightsError) {
        skipSpace()
        guard position == bytes.count else { throw malformed("text follows the closing brace") }
    }

    /// Enters an object.
    /// - Returns: whether it has a member; if not, it is passed.
    mutating func beginObject() throws(WeightsError) -> Bool {
        try expect(UInt8(ascii: "{"))
        skipSpace()
        guard peek() == UInt8(ascii: "}") else { return true }
        position += 1
        return false
    }

    /// Passes the comma or the brace after a member.
    /// - Returns: whether another member follows.
    mutating func nextMember() throws(WeightsError) -> Bool {
        skipSpace()
        switch peek() {
        case UInt8(ascii: ","):
            position += 1
            return true
        case UInt8(ascii: "}"):
            position += 1
            return false
        default:
            throw malformed("a comma or a closing brace was expected")
        }
    }

    /// A text of 1 to `limit` printable ASCII characters: a key, a name, a type.
    mutating func readName(limit: Int) throws(WeightsError) -> String {
        let text = try readString(limit: limit)
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) else {
            throw malformed("a name is empty or not printable ASCII")
        }
        return text
    }

    /// A text of at most `limit` UTF-8 bytes.
    mutating func readString(limit: Int) throws(WeightsError) -> String {
        try expect(UInt8(ascii: "\""))
        let start = position
        while let byte = peek(), byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 {
            position += 1
            guard position - start <= limit else { throw tooLong(limit) }
        }
        if peek() == UInt8(ascii: "\"") {
            let text = bytes[start..<position]
            position += 1
            guard let string = String(validating: text, as: UTF8.self) else { throw malformed("a text is not UTF-8") }
            return string
        }
        return try readEscapedString(from: start, limit: limit)
    }

    /// Whole numbers in brackets, at most `limit` of them.
    mutating func readIntegers(limit: Int) throws(WeightsError) -> [Int] {
        try expect(UInt8(ascii: "["))
        skipSpace()
        var values: [Int] = []
        if peek() == UInt8(ascii: "]") {
            position += 1
            return values
        }
        while true {
            guard values.count < limit else { throw malformed("a list has more than \(limit) numbers") }
            values.append(try readInteger())
            skipSpace()
            if peek() == UInt8(ascii: "]") { break }
            try expect(UInt8(ascii: ","))
        }
        position += 1
        return values
    }

    private mutating func readInteger() throws(WeightsError) -> Int {
        skipSpace()
        var value = 0
        let start = position
        while let byte = peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
            guard !overflow, !carry else { throw malformed("a number is too large") }
            value = sum
            position += 1
        }
        guard position > start else { throw malformed("a number that is whole and not negative was expected") }
        guard position - start == 1 || bytes[start] != UInt8(ascii: "0") else {
            throw malformed("a number begins with a zero")
        }
        return value
    }

    private mutating func readEscapedString(from start: Int, limit: Int) throws(WeightsError) -> String {
        var text = [UInt8](bytes[start..<position])
        while let byte = peek(), byte >= 0x20 {
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw malformed("a text is not UTF-8")
                }
                return string
            case UInt8(ascii: "\\"):
                text.append(contentsOf: try readEscape().utf8)
            default:
                text.append(byte)
            }
            guard text.count <= limit else { throw tooLong(limit) }
        }
        throw malformed("a text is not closed or holds a control character")
    }

    private mutating func readEscape() throws(WeightsError) -> Unicode.Scalar {
        guard let byte = peek() else { throw malformed("a text is not closed") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): break
        default: throw malformed("an escape is unknown")
        }
        var code = try readHexadecimal()
        if (0xd800..<0xdc00).contains(code), peek() == UInt8(ascii: "\\") {
            position += 1
            try expect(UInt8(ascii: "u"))
            let low = try readHexadecimal()
            guard (0xdc00..<0xe000).contains(low) else { throw malformed("half of a surrogate pair is missing") }
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw malformed("half of a surrogate pair is missing") }
        return scalar
    }

    private mutating func readHexadecimal() throws(WeightsError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            let digit: UInt8
            switch peek() {
            case let byte? where (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte): digit = byte - 0x30
            case let byte? where (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte): digit = byte - 0x57
            case let byte? where (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(byte): digit = byte - 0x37
            default: throw malformed("an escape is not four hexadecimal digits")
            }
            position += 1
            code = code << 4 | UInt32(digit)
        }
        return code
    }

    private func tooLong(_ limit: Int) -> WeightsError {
        WeightsError(.limitExceeded, "its header holds a text longer than the \(limit) bytes allowed")
    }

    private mutating func skipSpace() {
        // A local cursor: a hostile header can be sixteen million spaces.
        var next = position
        while next < bytes.count {
            let byte = bytes[next]
            guard byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else { break }
            next += 1
        }
        position = next
    }
}
