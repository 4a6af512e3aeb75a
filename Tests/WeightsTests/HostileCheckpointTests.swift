import Foundation
import Testing
import Weights

/// Makes ZIP files as hostile as a test wants them.
private struct Zip {
    struct Entry {
        var name: String
        var bytes: [UInt8] = []
        var method: UInt16 = 0
        var size: UInt32?
        var attributes: UInt32 = 0
        var crc: UInt32?
    }

    var entries: [Entry]

    func bytes() -> [UInt8] {
        var file: [UInt8] = []
        var directory: [UInt8] = []
        for entry in entries {
            let offset = UInt32(file.count)
            let crc = entry.crc ?? Self.crc(entry.bytes)
            let sizes =
                Self.little(crc) + Self.little(entry.size ?? UInt32(entry.bytes.count))
                + Self.little(entry.size ?? UInt32(entry.bytes.count))
            let name = Array(entry.name.utf8)
            file += Self.little(UInt32(0x0403_4b50)) + [0, 0, 0, 0] + Self.little(entry.method) + [0, 0, 0, 0] + sizes
            file += Self.little(UInt16(name.count)) + [0, 0] + name + entry.bytes
            directory +=
                Self.little(UInt32(0x0201_4b50)) + [0, 0, 0, 0, 0, 0] + Self.little(entry.method) + [0, 0, 0, 0]
            directory += sizes + Self.little(UInt16(name.count)) + [0, 0, 0, 0, 0, 0, 0, 0]
            directory += Self.little(entry.attributes) + Self.little(offset) + name
        }
        let start = UInt32(file.count)
        let count = Self.little(UInt16(truncatingIfNeeded: entries.count))
        file += directory + Self.little(UInt32(0x0605_4b50)) + [0, 0, 0, 0] + count + count
        return file + Self.little(UInt32(directory.count)) + Self.little(start) + [0, 0]
    }

    static func little<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    /// Bit by bit, as the format defines it.
    static func crc(_ bytes: [UInt8]) -> UInt32 {
        var crc: UInt32 = .max
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xedb8_8320 : crc >> 1 }
        }
        return ~crc
    }
}

/// Spells pickles.
private enum Pickle {
    static func text(_ text: String) -> [UInt8] {
        [UInt8(ascii: "X")] + Zip.little(UInt32(text.utf8.count)) + Array(text.utf8)
    }
    static func global(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }
    static func integer(_ value: Int32) -> [UInt8] { [UInt8(ascii: "J")] + Zip.little(value) }
    static func long(_ value: Int64) -> [UInt8] { [0x8a, 8] + Zip.little(value) }
    static func tuple(_ items: [[UInt8]]) -> [UInt8] { Array("(".utf8) + items.flatMap { $0 } + Array("t".utf8) }
    static let emptyDictionary = Array("ccollections\nOrderedDict\n)R".utf8)

    static func storage(_ elements: [UInt8], type: String = "FloatStorage", key: String = "0") -> [UInt8] {
        tuple([text("storage"), global("torch", type), text(key), text("cpu"), elements]) + Array("Q".utf8)
    }

    static func tensor(
        storage: [UInt8] = storage(integer(4)), offset: [UInt8] = integer(0), shape: [[UInt8]] = [integer(4)],
        strides: [[UInt8]] = [integer(1)]
    ) -> [UInt8] {
        global("torch._utils", "_rebuild_tensor_v2")
            + tuple([storage, offset, tuple(shape), tuple(strides), [0x89], emptyDictionary]) + Array("R".utf8)
    }

    static func checkpoint(_ items: [(String, [UInt8])]) -> [UInt8] {
        [0x80, 2] + Array("}(".utf8) + items.flatMap { text($0.0) + $0.1 } + Array("u.".utf8)
    }
}

@Suite struct HostileCheckpointTests {
    private let four: [UInt8] = [Float(1), 2, 3, 4].withUnsafeBytes { Array($0) }

    private func archive(_ pickle: [UInt8], _ more: [Zip.Entry] = []) -> [UInt8] {
        Zip(entries: [.init(name: "m/data.pkl", bytes: pickle), .init(name: "m/data/0", bytes: four)] + more).bytes()
    }

    /// Imports bytes as a checkpoint.
    /// - Returns: the error, nil if there was none; checks that an error left nothing behind.
    private func importing(_ bytes: [UInt8], check: (SafetensorsFile) throws -> Void = { _ in }) throws -> WeightsError?
    {
        try withTemporaryFolder { folder in
            let source = folder + "/m.pth"
            try Data(bytes).write(to: URL(fileURLWithPath: source))
            do {
                _ = try WeightsImport(
                    source: source, target: folder + "/out", licenceReference: nil, program: "test"
                ).run()
                try check(SafetensorsFile(folder + "/out"))
                return nil
            } catch let error as WeightsError {
                #expect(try contents(of: folder) == ["m.pth"])
                #expect(error.message.hasPrefix(source) && !error.message.contains("\n"))
                return error
            }
        }
    }

    @Test("the checkpoints these tests distort are good when they are not distorted")
    func good() throws {
        let error = try importing(archive(Pickle.checkpoint([("w", Pickle.tensor())]))) { (file) throws in
            let values = try file.floats("w")
            #expect(values == [1, 2, 3, 4])
        }
        #expect(error == nil)
        let view = Pickle.tensor(
            shape: [Pickle.integer(2), Pickle.integer(2)], strides: [Pickle.integer(1), Pickle.integer(2)])
        let viewed = try importing(archive(Pickle.checkpoint([("w", view)]))) { (file) throws in
            let values = try file.floats("w")
            #expect(values == [1, 3, 2, 4])
        }
        #expect(viewed == nil)
    }

    @Test("a tensor that reaches outside its storage is refused")
    func outside() throws {
        let tensors: [(String, [UInt8])] = [
            ("offset", Pickle.tensor(offset: Pickle.integer(1))),
            ("negative offset", Pickle.tensor(offset: Pickle.integer(-1))),
            ("huge offset", Pickle.tensor(offset: Pickle.long(.max))),
            ("too long", Pickle.tensor(shape: [Pickle.integer(5)])),
            ("negative size", Pickle.tensor(shape: [Pickle.integer(-4)])),
            ("stride", Pickle.tensor(strides: [Pickle.integer(2)])),
            ("negative stride", Pickle.tensor(offset: Pickle.integer(3), strides: [Pickle.integer(-1)])),
            ("huge stride", Pickle.tensor(strides: [Pickle.long(.max)])),
            ("fewer strides", Pickle.tensor(strides: [])),
            (
                "product",
                Pickle.tensor(
                    shape: [Pickle.long(1 << 40), Pickle.long(1 << 40)],
                    strides: [Pickle.integer(0), Pickle.integer(0)])
            ),
            ("repeated", Pickle.tensor(shape: [Pickle.long(1 << 40)], strides: [Pickle.integer(0)])),
            (
                "rank nine",
                Pickle.tensor(
                    shape: Array(repeating: Pickle.integer(1), count: 9),
                    strides: Array(repeating: Pickle.integer(1), count: 9))
            ),
            ("elements", Pickle.tensor(storage: Pickle.storage(Pickle.integer(5)))),
            ("type", Pickle.tensor(storage: Pickle.storage(Pickle.integer(4), type: "DoubleStorage"))),
            ("negative elements", Pickle.tensor(storage: Pickle.storage(Pickle.integer(-4)))),
            ("huge elements", Pickle.tensor(storage: Pickle.storage(Pickle.long(.max)))),
            ("missing storage", Pickle.tensor(storage: Pickle.storage(Pickle.integer(4), key: "1"))),
            ("climbing storage", Pickle.tensor(storage: Pickle.storage(Pickle.integer(4), key: "../data/0"))),
        ]
        for (name, tensor) in tensors {
            #expect(try importing(archive(Pickle.checkpoint([("w", tensor)]))) != nil, "\(name)")
        }
    }

    @Test(
        "names that are not part of a tensor are refused by name, whatever is done with them",
        arguments: [
            ("os", "system"), ("builtins", "eval"), ("torch", "load"), ("torch._utils", "_rebuild_tensor"),
            ("torch.storage", "_load_from_bytes"), ("collections", "defaultdict"), ("torch.FloatStorage", "x"),
            ("numpy.core.multiarray", "_reconstruct"),
        ])
    func globals(module: String, name: String) throws {
        let error = try importing(archive(Pickle.checkpoint([("w", Pickle.global(module, name))])))
        #expect(error?.code == .refused)
        #expect(error?.message.contains("\(module).\(name)") == true)
        #expect(error?.message.contains("offset") == true)
    }

    @Test("known names cannot be called in any other way, and state cannot be set on anything but a dictionary")
    func calls() throws {
        let calls: [[UInt8]] = [
            Pickle.global("torch", "FloatStorage") + Array(")R".utf8),
            Pickle.global("collections", "OrderedDict") + Pickle.tuple([Pickle.integer(1)]) + Array("R".utf8),
            Pickle.global("torch._utils", "_rebuild_parameter") + Pickle.tuple([Pickle.integer(1)]) + Array("R".utf8),
            Pickle.global("torch._utils", "_rebuild_tensor_v2") + Array(")R".utf8),
            Pickle.text("x") + Array(")R".utf8), Array("]}b".utf8), Pickle.tensor() + Array("}b".utf8),
            Pickle.global("collections", "OrderedDict") + Array("}b".utf8), Array("Q".utf8), Array("R".utf8),
            Array("b".utf8), Array("a".utf8), Array("e".utf8), Array("s".utf8), Array("u".utf8), Array("t".utf8),
            [0x87], [0x88, 0x86], Array("h\u{7}".utf8), [UInt8(ascii: "j"), 255, 255, 255, 255],
        ]
        for call in calls {
            #expect(try importing(archive(Pickle.checkpoint([("w", call)]))) != nil, "\(call)")
        }
        for opcode in [UInt8](0...255) where !Array("cRbQqrhj(X)tJKM}]aesuNG.".utf8).contains(opcode) {
            guard ![0x80, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a].contains(opcode) else { continue }
            let error = try importing(archive([0x80, 2, opcode]))
            #expect(error?.code == .refused, "\(opcode)")
        }
    }

    @Test("nesting, marks, memo numbers and floods of values end in a refusal or a result, quickly")
    func floods() throws {
        let deep = Array("}".utf8) + Array(repeating: UInt8(0x85), count: 1_000_000)
        let marks = Array(repeating: UInt8(ascii: "("), count: 3_000_000)
        let values = Array(repeating: UInt8(ascii: "N"), count: 3_000_000)
        let text: [UInt8] = [UInt8(ascii: "X"), 255, 255, 255, 255]
        let line = [UInt8(ascii: "c")] + Array(repeating: UInt8(ascii: "a"), count: 100_000)
        let circle = Array("]q\u{0}h\u{0}a.".utf8)
        for flood in [deep + Array(".".utf8), marks, values, text, line, circle] {
            #expect(try importing(archive([0x80, 2] + flood)) != nil)
        }
        #expect(try importing(archive([UInt8](repeating: UInt8(ascii: "N"), count: 5 << 20))) != nil)
        // A memo number of four billion costs one entry.
        let memo: [UInt8] = Pickle.tensor() + [UInt8(ascii: "r"), 255, 255, 255, 255]
        #expect(try importing(archive(Pickle.checkpoint([("w", memo)]))) == nil)
        // A dictionary that holds itself is walked once.
        let itself =
            [0x80, 2] + Array("}q\u{0}(".utf8) + Pickle.text("w") + Pickle.tensor() + Pickle.text("self")
            + Array("h\u{0}u.".utf8)
        #expect(try importing(archive(itself)) == nil)
    }

    @Test("archives whose directory lies are refused")
    func archives() throws {
        let pickle = Pickle.checkpoint([("w", Pickle.tensor())])
        let hostile: [(String, [Zip.Entry])] = [
            ("climbing", [.init(name: "m/../x")]), ("absolute", [.init(name: "/etc/x")]),
            ("backslash", [.init(name: "m\\x")]), ("control", [.init(name: "m/\u{0}x")]), ("empty", [.init(name: "")]),
            ("duplicate", [.init(name: "m/data/0", bytes: four)]),
            ("second pickle", [.init(name: "n/data.pkl", bytes: pickle)]),
            ("compressed", [.init(name: "m/x", method: 8)]), ("link", [.init(name: "m/x", attributes: 0xa1ff_0000)]),
            ("bomb", [.init(name: "m/x", size: 0xffff_fff0)]),
            ("big-endian", [.init(name: "m/byteorder", bytes: Array("big".utf8))]),
        ]
        for (name, entries) in hostile {
            #expect(try importing(archive(pickle, entries)) != nil, "\(name)")
        }
        let many = (0..<10_001).map { Zip.Entry(name: "m/x\($0)") }
        #expect(try importing(archive(pickle, many))?.code == .limitExceeded)
        let damaged = Zip(entries: [
            .init(name: "m/data.pkl", bytes: pickle), .init(name: "m/data/0", bytes: four, crc: 7),
        ]).bytes()
        #expect(try importing(damaged)?.message.contains("damaged") == true)
        #expect(try importing(Array("PK\u{3}\u{4}".utf8)) != nil)
        #expect(try importing([]) != nil)
    }

    @Test("values that are not finite, two tensors of one name and names that cannot be kept are refused")
    func unusable() throws {
        let infinite = Zip(entries: [
            .init(name: "m/data.pkl", bytes: Pickle.checkpoint([("w", Pickle.tensor())])),
            .init(name: "m/data/0", bytes: [Float(1), 2, .infinity, 4].withUnsafeBytes { Array($0) }),
        ]).bytes()
        #expect(try importing(infinite)?.code == .notFinite)
        for names in [
            ["w", "module.w"], ["model.module.w", "w"], ["w\n", "v"], ["module.", "v"], ["é", "v"],
            ["__metadata__", "v"],
        ] {
            #expect(try importing(archive(Pickle.checkpoint(names.map { ($0, Pickle.tensor()) }))) != nil, "\(names)")
        }
        #expect(try importing(archive(Pickle.checkpoint([("epoch", Pickle.integer(3))]))) != nil)
    }

    @Test("the keys newer MONAI adds are left out, and what is missing or unexpected is reported")
    func report() throws {
        let names = [
            "module.blocks.0.norm_cross_attn.weight", "module.blocks.1.cross_attn.to_q.weight",
            "module.blocks.1.norm1.bias",
            "FC.0.weight", "other",
        ]
        try withTemporaryFolder { folder in
            let source = folder + "/m.pth"
            try Data(archive(Pickle.checkpoint(names.map { ($0, Pickle.tensor()) }))).write(
                to: URL(fileURLWithPath: source))
            let report = try WeightsImport(
                source: source, target: folder + "/out", licenceReference: nil, program: "test"
            ).run()
            #expect(report.ignored == ["blocks.0.norm_cross_attn.weight", "blocks.1.cross_attn.to_q.weight"])
            #expect(report.unexpected == ["other"])
            #expect(report.missing.count == 3 + 2 * 11 + 6 + 6 - 2)
            #expect(report.missing.contains("FC.4.bias") && !report.missing.contains("FC.0.weight"))
            #expect(
                try SafetensorsFile(folder + "/out").tensors.map(\.name) == [
                    "blocks.1.norm1.bias", "FC.0.weight", "other",
                ])
        }
    }
}
