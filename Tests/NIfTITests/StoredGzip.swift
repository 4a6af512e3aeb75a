/// gzip made without a compressor: stored blocks (RFC 1951 §3.2.4) in members (RFC 1952), checksum included.
enum StoredGzip {
    /// - Parameters:
    ///   - flags: FLG of the member's header; `extra` must hold the fields it announces.
    ///   - crc: nil for the right one.
    static func member(
        _ content: some Collection<UInt8>, flags: UInt8 = 0, extra: [UInt8] = [], crc: UInt32? = nil,
        length: UInt32? = nil
    ) -> [UInt8] {
        var bytes: [UInt8] = [0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 255] + extra
        var rest = Array(content)[...]
        repeat {
            let block = rest.prefix(65535)
            rest = rest.dropFirst(block.count)
            let count = UInt16(block.count)
            bytes += [rest.isEmpty ? 1 : 0] + little(count) + little(~count) + block
        } while !rest.isEmpty
        return bytes + little(crc ?? checksum(content)) + little(length ?? UInt32(content.count))
    }

    /// CRC-32 of RFC 1952 §8.
    static func checksum(_ content: some Collection<UInt8>) -> UInt32 {
        ~content.reduce(UInt32.max) { crc, byte in table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] ^ crc >> 8 }
    }

    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0xedb8_8320 : crc >> 1 }
    }

    private static func little(_ value: some FixedWidthInteger & BitwiseCopyable) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
}
