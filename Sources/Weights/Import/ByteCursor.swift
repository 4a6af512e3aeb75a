/// Little-endian numbers read one after another from bytes, each read checked.
struct ByteCursor {
    private let bytes: UnsafeRawBufferPointer
    private(set) var position: Int

    /// - Parameter position: where to begin, in 0…`bytes.count`.
    init(_ bytes: UnsafeRawBufferPointer, at position: Int = 0) {
        self.bytes = bytes
        self.position = position
    }

    /// Bytes after the cursor.
    var remaining: Int { bytes.count - position }

    /// A number, nil when the bytes end before it.
    mutating func read<Value: FixedWidthInteger>(_: Value.Type) -> Value? {
        let size = Value.bitWidth / 8
        guard remaining >= size else { return nil }
        defer { position += size }
        return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: Value.self))
    }

    /// The next bytes, nil when there are fewer.
    mutating func read(count: Int) -> UnsafeRawBufferPointer? {
        guard count >= 0, remaining >= count else { return nil }
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<(position + count)])
    }

    /// The bytes up to a line feed, which is passed; nil when there is none within `limit` bytes.
    mutating func readLine(limit: Int) -> UnsafeRawBufferPointer? {
        let window = bytes[position..<(position + min(limit, remaining))]
        guard let end = window.firstIndex(of: 0x0a) else { return nil }
        defer { position = end + 1 }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<end])
    }
}
