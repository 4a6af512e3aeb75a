import Foundation
import Testing
import Weights

/// Bytes of a file with the given header text, and how large the file claims to be.
private func header(_ json: String, data: Int = 0) -> (bytes: [UInt8], size: Int) {
    let text = Array(json.utf8)
    return (withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text, 8 + text.count + data)
}

private func parse(_ json: String, data: Int = 0) throws(WeightsError) -> SafetensorsHeader {
    let (bytes, size) = header(json, data: data)
    return try SafetensorsHeader.parse(bytes, fileSize: size)
}

private func tensor(_ name: String, _ shape: String, _ begin: Int, _ end: Int) -> String {
    tensor(name, "F32", shape, begin, end)
}

private func tensor(_ name: String, _ type: String, _ shape: String, _ begin: Int, _ end: Int) -> String {
    "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":[\(begin),\(end)]}"
}

@Suite struct SafetensorsHeaderTests {
    @Test("a header in any order of keys, with white space and escapes, is read")
    func accepted() throws {
        let json = """
            { "__metadata__" : {"k":"a\\u00e9\\ud83d\\ude00\\n"} , "a\\u0062" :
              {"data_offsets":[0,8],"shape":[2, 1],"dtype":"F32"}, "c":{"dtype":"BF16","shape":[],"data_offsets":[8,10]}}  
            """
        let header = try parse(json, data: 10)
        #expect(header.metadata == ["k": "aé😀\n"])
        #expect(header.tensors.map(\.name) == ["ab", "c"])
        #expect(header.tensors.map(\.shape) == [[2, 1], []])
        #expect(header.tensors.map(\.range) == [0..<8, 8..<10])
        #expect(try parse("{}").tensors == [])
    }

    @Test(
        "whatever does not add up is refused",
        arguments: [
            ("no brace", "[]", 0), ("leading space", " {}", 0), ("empty", "", 0), ("not closed", "{", 0),
            ("trailing text", "{}x", 0), ("trailing comma", "{" + tensor("a", "[1]", 0, 4) + ",}", 4),
            ("duplicate tensor", "{" + tensor("a", "[1]", 0, 4) + "," + tensor("a", "[1]", 4, 8) + "}", 8),
            (
                "duplicate under an escape",
                "{" + tensor("a", "[1]", 0, 4) + "," + tensor("\\u0061", "[1]", 4, 8) + "}", 8
            ),
            ("duplicate metadata", "{\"__metadata__\":{},\"__metadata__\":{}}", 0),
            ("duplicate metadata key", "{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0),
            ("metadata not text", "{\"__metadata__\":{\"k\":1}}", 0),
            ("nested metadata", "{\"__metadata__\":{\"k\":{}}}", 0),
            ("hole", "{" + tensor("a", "[1]", 0, 4) + "," + tensor("b", "[1]", 8, 12) + "}", 12),
            ("overlap", "{" + tensor("a", "[2]", 0, 8) + "," + tensor("b", "[1]", 4, 8) + "}", 8),
            ("out of order", "{" + tensor("a", "[1]", 4, 8) + "," + tensor("b", "[1]", 0, 4) + "}", 8),
            ("first hole", "{" + tensor("a", "[1]", 4, 8) + "}", 8),
            ("too much data", "{" + tensor("a", "[1]", 0, 4) + "}", 5),
            ("too little data", "{" + tensor("a", "[1]", 0, 4) + "}", 3),
            ("size mismatch", "{" + tensor("a", "[2]", 0, 4) + "}", 4),
            ("reversed", "{" + tensor("a", "[1]", 0, -4) + "}", 4),
            ("product overflow", "{" + tensor("a", "[4294967296,4294967296]", 0, 0) + "}", 0),
            ("byte overflow", "{" + tensor("a", "[4611686018427387904]", 0, 0) + "}", 0),
            ("overflow hidden by zero", "{" + tensor("a", "[4294967296,4294967296,0]", 0, 0) + "}", 0),
            ("number overflow", "{" + tensor("a", "[99999999999999999999]", 0, 4) + "}", 4),
            ("negative size", "{" + tensor("a", "[-1]", 0, 4) + "}", 4),
            ("fraction", "{" + tensor("a", "[1.0]", 0, 4) + "}", 4),
            ("exponent", "{" + tensor("a", "[1e0]", 0, 4) + "}", 4),
            ("leading zero", "{" + tensor("a", "[01]", 0, 4) + "}", 4),
            ("rank nine", "{" + tensor("a", "[1,1,1,1,1,1,1,1,1]", 0, 4) + "}", 4),
            ("unknown type", "{" + tensor("a", "F8_E4M3", "[4]", 0, 4) + "}", 4),
            ("unknown key", "{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1],\"x\":0}}", 1),
            ("key twice", "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}", 1),
            ("no type", "{\"a\":{\"shape\":[],\"data_offsets\":[0,1]}}", 1),
            ("three offsets", "{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1,1]}}", 1),
            ("one offset", "{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0]}}", 1),
            ("deep", String(repeating: "{\"a\":", count: 100_000), 0),
            ("deep list", "{\"a\":{\"shape\":" + String(repeating: "[", count: 100_000), 0),
            ("half a surrogate", "{\"__metadata__\":{\"k\":\"\\ud800\"}}", 0),
            ("unknown escape", "{\"__metadata__\":{\"k\":\"\\x\"}}", 0),
            ("control character", "{\"__metadata__\":{\"k\":\"\u{1}\"}}", 0),
            ("text not closed", "{\"abc", 0), ("empty name", "{" + tensor("", "[1]", 0, 4) + "}", 4),
            ("name not ASCII", "{" + tensor("é", "[1]", 0, 4) + "}", 4),
            ("long name", "{" + tensor(String(repeating: "a", count: 1_025), "[1]", 0, 4) + "}", 4),
            ("long metadata", "{\"__metadata__\":{\"k\":\"" + String(repeating: "v", count: 65_537) + "\"}}", 0),
        ])
    func refused(what: String, json: String, data: Int) {
        #expect(throws: WeightsError.self, "\(what)") { _ = try parse(json, data: data) }
    }

    @Test("ten thousand tensors are read and one more is refused")
    func tensorLimit() throws {
        func many(_ count: Int) -> String {
            "{" + (0..<count).map { tensor("t\($0)", "U8", "[1]", $0, $0 + 1) }.joined(separator: ",") + "}"
        }
        #expect(try parse(many(10_000), data: 10_000).tensors.count == 10_000)
        #expect(throws: WeightsError.self) { _ = try parse(many(10_001), data: 10_001) }
    }

    @Test("fifteen texts of 64 KiB are read and a mebibyte with its keys is too much")
    func metadataLimit() throws {
        func texts(_ count: Int) -> String {
            let value = String(repeating: "v", count: 64 << 10)
            return "{\"__metadata__\":{" + (0..<count).map { "\"\($0)\":\"\(value)\"" }.joined(separator: ",") + "}}"
        }
        #expect(try parse(texts(15)).metadata.count == 15)
        #expect(throws: WeightsError.self) { _ = try parse(texts(16)) }
    }

    @Test("a header length over the limit or the file is refused before the header is read")
    func length() {
        for length: UInt64 in [16 << 20 + 1, 100 << 20, .max, UInt64(Int64.max), 9] {
            let bytes = withUnsafeBytes(of: length.littleEndian) { Array($0) } + Array("{}      ".utf8)
            #expect(throws: WeightsError.self) { _ = try SafetensorsHeader.parse(bytes, fileSize: bytes.count) }
        }
        for count in 0..<8 {
            #expect(throws: WeightsError.self) {
                _ = try SafetensorsHeader.parse([UInt8](repeating: 0, count: count), fileSize: count)
            }
        }
    }

    @Test("a header with any byte changed or cut anywhere is refused or read, never a trap")
    func damaged() throws {
        let (bytes, size) = header(
            "{\"__metadata__\":{\"k\":\"\\u00e9\"}," + tensor("a", "[2,3]", 0, 24) + ","
                + tensor("b", "I64", "[1]", 24, 32) + "}",
            data: 32)
        for position in bytes.indices {
            _ = try? SafetensorsHeader.parse(Array(bytes[..<position]), fileSize: size)
            for value in UInt8.min...UInt8.max {
                var changed = bytes
                changed[position] = value
                _ = try? SafetensorsHeader.parse(changed, fileSize: size)
            }
        }
        #expect(try SafetensorsHeader.parse(bytes, fileSize: size).tensors.count == 2)
    }
}
