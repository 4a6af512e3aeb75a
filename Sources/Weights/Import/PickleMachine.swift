/// Interprets the pickle of a PyTorch checkpoint: it can build tensors, texts, numbers and containers, and nothing else.
///
/// Twenty-odd opcodes of protocol 2 and the names of `PickleGlobal` are known; every other byte is refused with its
/// offset, every other name with itself. No name is ever looked up or called. (LAMIM.md §9)
struct PickleMachine {
    /// Limits that hold whatever the bytes are.
    enum Limit {
        /// Bytes of a pickle; ten thousand tensors take about two million.
        static let bytes = 4 << 20
        /// Values on the stack, in the memo, or containers made.
        static let values = 500_000
    }

    private(set) var sequences: [[PickleValue]] = []
    private(set) var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
    /// Storages mentioned, by key.
    private(set) var storages: [String: PickleStorage] = [:]

    private var stack: [PickleValue] = []
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]
    private var cursor: ByteCursor
    private let fileOffset: Int
    private var opcodeAt = 0

    /// - Parameters:
    ///   - bytes: one pickle or several in a row, which must outlive the machine.
    ///   - fileOffset: where the bytes lie in the file, for messages.
    init(_ bytes: UnsafeRawBufferPointer, fileOffset: Int) {
        cursor = ByteCursor(bytes)
        self.fileOffset = fileOffset
    }

    /// Bytes of pickles read so far.
    var position: Int { cursor.position }

    /// Interprets the next pickle up to its STOP.
    mutating func load() throws(WeightsError) -> PickleValue {
        stack = []
        marks = []
        memo = [:]
        while true {
            opcodeAt = cursor.position
            let opcode = try number(UInt8.self)
            if opcode == UInt8(ascii: ".") { break }
            try execute(opcode)
            guard stack.count + marks.count <= Limit.values, memo.count <= Limit.values,
                sequences.count + dictionaries.count <= Limit.values
            else {
                throw failure("it nests or keeps too many values", .limitExceeded)
            }
        }
        guard stack.count == 1, marks.isEmpty else { throw failure("it ends with values left over") }
        return try pop()
    }

    private mutating func execute(_ opcode: UInt8) throws(WeightsError) {
        switch opcode {
        case 0x80:
            let version = try number(UInt8.self)
            guard version == 2 else { throw failure("pickle protocol \(version) is not the 2 of PyTorch", .refused) }
        case UInt8(ascii: "c"): stack.append(.global(try readGlobal()))
        case UInt8(ascii: "R"): try reduce()
        case UInt8(ascii: "b"): try build()
        case UInt8(ascii: "Q"): stack.append(.storage(try readStorage()))
        case UInt8(ascii: "q"): memo[Int(try number(UInt8.self))] = try top()
        case UInt8(ascii: "r"): memo[Int(try number(UInt32.self))] = try top()
        case UInt8(ascii: "h"): try recall(Int(try number(UInt8.self)))
        case UInt8(ascii: "j"): try recall(Int(try number(UInt32.self)))
        case UInt8(ascii: "("): marks.append(stack.count)
        case UInt8(ascii: "X"): stack.append(.string(try readText()))
        case UInt8(ascii: ")"): push(sequence: [])
        case UInt8(ascii: "t"): push(sequence: try popToMark())
        case 0x85: push(sequence: try pop(1))
        case 0x86: push(sequence: try pop(2))
        case 0x87: push(sequence: try pop(3))
        case UInt8(ascii: "J"): stack.append(.integer(Int(try number(Int32.self))))
        case UInt8(ascii: "K"): stack.append(.integer(Int(try number(UInt8.self))))
        case UInt8(ascii: "M"): stack.append(.integer(Int(try number(UInt16.self))))
        case 0x8a: stack.append(try readLong())
        case 0x88: stack.append(.bool(true))
        case 0x89: stack.append(.bool(false))
        case UInt8(ascii: "N"): stack.append(.none)
        case UInt8(ascii: "G"):
            stack.append(.double(Double(bitPattern: try number(UInt64.self).byteSwapped)))
        case UInt8(ascii: "}"):
            dictionaries.append([])
            stack.append(.dictionary(dictionaries.count - 1))
        case UInt8(ascii: "]"):
            sequences.append([])
            stack.append(.list(sequences.count - 1))
        case UInt8(ascii: "a"): try append(try pop(1))
        case UInt8(ascii: "e"): try append(try popToMark())
        case UInt8(ascii: "s"): try setItems(try pop(2))
        case UInt8(ascii: "u"): try setItems(try popToMark())
        default:
            let digits = String(opcode, radix: 16)
            throw failure("the instruction 0x\(digits) has no place in a checkpoint", .refused)
        }
    }
}

// The instructions.
extension PickleMachine {
    private mutating func readGlobal() throws(WeightsError) -> PickleGlobal {
        guard let module = cursor.readLine(limit: 256), let name = cursor.readLine(limit: 256) else {
            throw failure("a global's name is cut short or too long")
        }
        let names = (String(decoding: module, as: UTF8.self), String(decoding: name, as: UTF8.self))
        guard let global = PickleGlobal(module: names.0, name: names.1) else {
            throw failure(
                "it asks for \(printable(names.0)).\(printable(names.1)), which is not part of a tensor", .refused)
        }
        return global
    }

    private mutating func reduce() throws(WeightsError) {
        guard case .tuple(let index) = try pop(), case .global(let global) = try pop() else {
            throw failure("it calls something that is not a name of PyTorch", .refused)
        }
        let arguments = sequences[index]
        switch global {
        case .orderedDict:
            guard arguments.isEmpty else { throw failure("an ordered dictionary is made from arguments", .refused) }
            dictionaries.append([])
            stack.append(.dictionary(dictionaries.count - 1))
        case .rebuildTensor:
            stack.append(.tensor(try rebuildTensor(arguments)))
        case .rebuildParameter:
            guard arguments.count == 3, case .tensor = arguments[0] else {
                throw failure("a parameter is not made from a tensor")
            }
            stack.append(arguments[0])
        case .storage:
            throw failure("it calls a storage type, which is not part of a tensor", .refused)
        }
    }

    private func rebuildTensor(_ arguments: [PickleValue]) throws(WeightsError) -> PickleTensor {
        guard arguments.count == 6, case .storage(let storage) = arguments[0],
            case .integer(let offset) = arguments[1], case .tuple(let shape) = arguments[2],
            case .tuple(let strides) = arguments[3], case .bool = arguments[4],
            case .dictionary(let hooks) = arguments[5],
            dictionaries[hooks].isEmpty
        else { throw failure("a tensor is not made from a storage, an offset, sizes and strides") }
        guard
            let tensor = PickleTensor(
                storage: storage, offset: offset, shape: try integers(shape), strides: try integers(strides))
        else { throw failure("a tensor reaches outside its storage “\(printable(storage.key))”") }
        return tensor
    }

    private func integers(_ index: Int) throws(WeightsError) -> [Int] {
        var values: [Int] = []
        for value in sequences[index] {
            guard case .integer(let integer) = value else { throw failure("a size is not a whole number") }
            values.append(integer)
        }
        return values
    }

    /// The state of an ordered dictionary is the `_metadata` of `nn.Module.state_dict`, which says nothing of tensors.
    private mutating func build() throws(WeightsError) {
        guard case .dictionary = try pop(), case .dictionary = try top() else {
            throw failure("it sets the state of something that is not a dictionary", .refused)
        }
    }

    private mutating func readStorage() throws(WeightsError) -> PickleStorage {
        guard case .tuple(let index) = try pop() else { throw failure("a storage is not described by a tuple") }
        let fields = sequences[index]
        guard fields.count == 5 || fields.count == 6, fields[0] == .string("storage"),
            case .global(.storage(let type)) = fields[1], case .string(let key) = fields[2],
            case .string = fields[3], case .integer(let elements) = fields[4], elements >= 0,
            !elements.multipliedReportingOverflow(by: type.size).overflow
        else { throw failure("a storage is not described as PyTorch describes one") }
        guard fields.count == 5 || fields[5] == .none else {
            throw failure("a storage is a view of another, which is not supported; save the checkpoint anew", .refused)
        }
        let storage = PickleStorage(key: key, type: type, elements: elements)
        if let known = storages[key] {
            guard known == storage else { throw failure("the storage “\(printable(key))” is described in two ways") }
        } else {
            storages[key] = storage
        }
        return storage
    }

    private mutating func append(_ values: [PickleValue]) throws(WeightsError) {
        guard case .list(let index) = try top() else { throw failure("it appends to something that is not a list") }
        sequences[index].append(contentsOf: values)
    }

    private mutating func setItems(_ values: [PickleValue]) throws(WeightsError) {
        guard case .dictionary(let index) = try top() else {
            throw failure("it sets items of something that is not a dictionary")
        }
        guard values.count % 2 == 0 else { throw failure("a dictionary has a key without a value") }
        for i in stride(from: 0, to: values.count, by: 2) {
            dictionaries[index].append((values[i], values[i + 1]))
        }
    }
}

// The stack, the memo and the bytes.
extension PickleMachine {
    private func failure(_ reason: String, _ code: WeightsError.Code = .malformed) -> WeightsError {
        WeightsError(code, "its pickle is refused at offset \(fileOffset + opcodeAt): \(reason)")
    }

    private mutating func number<Value: FixedWidthInteger>(_ type: Value.Type) throws(WeightsError) -> Value {
        guard let value = cursor.read(type) else { throw failure("it is cut short") }
        return value
    }

    private mutating func readText() throws(WeightsError) -> String {
        let count = Int(try number(UInt32.self))
        guard let bytes = cursor.read(count: count) else { throw failure("a text is cut short") }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw failure("a text is not UTF-8") }
        return text
    }

    private mutating func readLong() throws(WeightsError) -> PickleValue {
        let count = Int(try number(UInt8.self))
        guard let bytes = cursor.read(count: count) else { throw failure("a number is cut short") }
        guard count <= 8 else { return .long(Array(bytes)) }
        let negative = (bytes.last ?? 0) & 0x80 != 0
        var value: UInt64 = negative ? .max : 0
        for byte in bytes.reversed() { value = value << 8 | UInt64(byte) }
        return .integer(Int(Int64(bitPattern: value)))
    }

    private mutating func recall(_ index: Int) throws(WeightsError) {
        guard let value = memo[index] else { throw failure("it recalls a value it never kept") }
        stack.append(value)
    }

    private mutating func push(sequence: [PickleValue]) {
        sequences.append(sequence)
        stack.append(.tuple(sequences.count - 1))
    }

    private func top() throws(WeightsError) -> PickleValue {
        guard let value = stack.last, stack.count > marks.last ?? 0 else { throw failure("its stack is empty") }
        return value
    }

    private mutating func pop() throws(WeightsError) -> PickleValue {
        let value = try top()
        stack.removeLast()
        return value
    }

    private mutating func pop(_ count: Int) throws(WeightsError) -> [PickleValue] {
        guard stack.count - (marks.last ?? 0) >= count else { throw failure("its stack is empty") }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    private mutating func popToMark() throws(WeightsError) -> [PickleValue] {
        guard let mark = marks.popLast() else { throw failure("a mark is missing") }
        defer { stack.removeLast(stack.count - mark) }
        return Array(stack[mark...])
    }
}

/// Text of a file made safe to print: control characters replaced, at most 128 characters.
func printable(_ text: String) -> String {
    String(
        String.UnicodeScalarView(text.unicodeScalars.prefix(128).map { $0.value < 0x20 || $0.value == 0x7f ? "?" : $0 })
    )
}
