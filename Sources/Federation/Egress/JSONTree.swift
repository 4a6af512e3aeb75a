/// JSON as it was written (RFC 8259), for checks that must see every key: no key twice, at most 32 deep.
package indirect enum JSONTree: Sendable, Equatable {
    case object([(key: String, value: JSONTree)])
    case list([JSONTree])
    case text(String)
    /// A number, and whether it was written without fraction and exponent.
    case number(Double, whole: Int?)
    case flag(Bool)
    case null

    package struct Failure: Error, CustomStringConvertible, Sendable, Equatable {
        package let description: String
    }

    package static let depthLimit = 32

    /// - Throws: `Failure` with the place of the first error.
    package init(_ text: String) throws(Failure) {
        var reader = Reader(bytes: Array(text.utf8))
        self = try reader.readValue(depth: 1)
        try reader.expectEnd()
    }

    package static func == (one: JSONTree, other: JSONTree) -> Bool {
        switch (one, other) {
        case (.object(let a), .object(let b)):
            a.count == b.count && zip(a, b).allSatisfy { $0.key == $1.key && $0.value == $1.value }
        case (.list(let a), .list(let b)): a == b
        case (.text(let a), .text(let b)): a == b
        case (.number(let a, let i), .number(let b, let j)): a == b && i == j
        case (.flag(let a), .flag(let b)): a == b
        case (.null, .null): true
        default: false
        }
    }

    /// A cursor over the text; every read checks its bounds.
    private struct Reader {
        let bytes: [UInt8]
        var position = 0

        private func fail(_ what: String) -> Failure {
            Failure(description: "it is not readable JSON at byte \(position): \(what)")
        }

        private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

        private mutating func skipSpace() {
            while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
        }

        private mutating func pass(_ byte: UInt8) -> Bool {
            skipSpace()
            guard next == byte else { return false }
            position += 1
            return true
        }

        mutating func expectEnd() throws(Failure) {
            skipSpace()
            guard position == bytes.count else { throw fail("text follows the value") }
        }

        mutating func readValue(depth: Int) throws(Failure) -> JSONTree {
            guard depth <= JSONTree.depthLimit else { throw fail("it is nested deeper than \(JSONTree.depthLimit)") }
            skipSpace()
            switch next {
            case UInt8(ascii: "{"): return try readObject(depth: depth)
            case UInt8(ascii: "["): return try readList(depth: depth)
            case UInt8(ascii: "\""): return .text(try readText())
            case UInt8(ascii: "t"): return try readWord("true", .flag(true))
            case UInt8(ascii: "f"): return try readWord("false", .flag(false))
            case UInt8(ascii: "n"): return try readWord("null", .null)
            default: return try readNumber()
            }
        }

        private mutating func readObject(depth: Int) throws(Failure) -> JSONTree {
            position += 1
            var members: [(key: String, value: JSONTree)] = []
            var keys: Set<String> = []
            if pass(UInt8(ascii: "}")) { return .object([]) }
            repeat {
                skipSpace()
                guard next == UInt8(ascii: "\"") else { throw fail("a key was expected") }
                let key = try readText()
                guard keys.insert(key).inserted else { throw fail("the key \(key.prefix(40)) appears twice") }
                guard pass(UInt8(ascii: ":")) else { throw fail("a colon was expected") }
                members.append((key, try readValue(depth: depth + 1)))
            } while pass(UInt8(ascii: ","))
            guard pass(UInt8(ascii: "}")) else { throw fail("a comma or a closing brace was expected") }
            return .object(members)
        }

        private mutating func readList(depth: Int) throws(Failure) -> JSONTree {
            position += 1
            var elements: [JSONTree] = []
            if pass(UInt8(ascii: "]")) { return .list([]) }
            repeat { elements.append(try readValue(depth: depth + 1)) } while pass(UInt8(ascii: ","))
            guard pass(UInt8(ascii: "]")) else { throw fail("a comma or a closing bracket was expected") }
            return .list(elements)
        }

        private mutating func readWord(_ word: String, _ value: JSONTree) throws(Failure) -> JSONTree {
            guard bytes[position...].starts(with: word.utf8) else { throw fail("a value was expected") }
            position += word.utf8.count
            return value
        }

        private mutating func readNumber() throws(Failure) -> JSONTree {
            let start = position
            if next == UInt8(ascii: "-") { position += 1 }
            let whole = try readDigits()
            guard whole.count == 1 || whole.first != UInt8(ascii: "0") else { throw fail("a number begins with 0") }
            var isWhole = true
            if next == UInt8(ascii: ".") {
                isWhole = false
                position += 1
                _ = try readDigits()
            }
            if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
                isWhole = false
                position += 1
                if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
                _ = try readDigits()
            }
            let text = String(decoding: bytes[start..<position], as: UTF8.self)
            guard let value = Double(text), value.isFinite else { throw fail("a number is too large") }
            return .number(value, whole: isWhole ? Int(text) : nil)
        }

        private mutating func readDigits() throws(Failure) -> ArraySlice<UInt8> {
            let start = position
            while let byte = next, (0x30...0x39).contains(byte) { position += 1 }
            guard position > start else { throw fail("a value was expected") }
            return bytes[start..<position]
        }

        private mutating func readText() throws(Failure) -> String {
            position += 1
            var text: [UInt8] = []
            while let byte = next {
                position += 1
                switch byte {
                case UInt8(ascii: "\""):
                    guard let string = String(validating: text, as: UTF8.self) else {
                        throw fail("a text is not UTF-8")
                    }
                    return string
                case UInt8(ascii: "\\"): text.append(contentsOf: String(try readEscape()).utf8)
                case 0..<0x20: throw fail("a text holds a control character")
                default: text.append(byte)
                }
            }
            throw fail("a text is not closed")
        }

        private mutating func readEscape() throws(Failure) -> Unicode.Scalar {
            guard let byte = next else { throw fail("a text is not closed") }
            position += 1
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
            case UInt8(ascii: "b"): return "\u{8}"
            case UInt8(ascii: "f"): return "\u{c}"
            case UInt8(ascii: "n"): return "\n"
            case UInt8(ascii: "r"): return "\r"
            case UInt8(ascii: "t"): return "\t"
            case UInt8(ascii: "u"): break
            default: throw fail("an escape is unknown")
            }
            var code = try readHexadecimal()
            if (0xd800..<0xdc00).contains(code) {
                guard bytes[position...].starts(with: "\\u".utf8) else {
                    throw fail("half of a surrogate pair is missing")
                }
                position += 2
                let low = try readHexadecimal()
                guard (0xdc00..<0xe000).contains(low) else { throw fail("half of a surrogate pair is missing") }
                code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw fail("half of a surrogate pair is missing") }
            return scalar
        }

        private mutating func readHexadecimal() throws(Failure) -> UInt32 {
            guard position + 4 <= bytes.count,
                bytes[position..<(position + 4)].allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
                let code = UInt32(String(decoding: bytes[position..<(position + 4)], as: UTF8.self), radix: 16)
            else { throw fail("an escape is not four hexadecimal digits") }
            position += 4
            return code
        }
    }
}
