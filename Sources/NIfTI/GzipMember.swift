import CDeflate

/// The wrapping of one gzip member (RFC 1952), parsed here: zlib's own header parser is never called.
enum GzipMember {
    /// Most members of one file.
    static let maximumMembers = 16
    /// Longest file name or comment in a member's header.
    static let maximumText = 4096
    /// CRC-32 and length after each member.
    static let trailerBytes = 8
    /// No deflate stream inflates to more than this many times its size: 258 bytes for two bits.
    static let maximumRatio = 1032

    static func isGzip(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b
    }

    /// Where the deflate stream of the member at `start` begins.
    ///
    /// - Returns: nil when `bytes` ends inside the member's header.
    static func payload(of bytes: UnsafeRawBufferPointer, at start: Int) throws(NIfTIError) -> Int? {
        guard start + 10 <= bytes.count else { return nil }
        guard bytes[start] == 0x1f, bytes[start + 1] == 0x8b else {
            throw NIfTIError(.gzip, "there are bytes after the end of its gzip data; copy or compress it again")
        }
        let flags = bytes[start + 3]
        guard bytes[start + 2] == 8, flags & 0xe0 == 0 else {
            throw NIfTIError(.gzip, "its gzip header asks for something unknown; compress it again")
        }
        var position = start + 10
        if flags & 0x04 != 0 {
            guard position + 2 <= bytes.count else { return nil }
            position += 2 + Int(bytes[position]) + Int(bytes[position + 1]) << 8
        }
        for flag in [UInt8(0x08), 0x10] where flags & flag != 0 {
            let limit = position + maximumText
            while position < bytes.count, bytes[position] != 0 {
                position += 1
                guard position <= limit else {
                    throw NIfTIError(.gzip, "its gzip header holds a name of over 4 KiB; compress it again")
                }
            }
            position += 1
        }
        if flags & 0x02 != 0 { position += 2 }
        return position <= bytes.count ? position : nil
    }

    /// CRC-32 and length modulo 2^32 that stand at `position`, or nil when the bytes end before.
    static func trailer(of bytes: UnsafeRawBufferPointer, at position: Int) -> (crc: UInt32, length: UInt32)? {
        guard position >= 0, position <= bytes.count - trailerBytes else { return nil }
        let read = FieldReader(bytes: bytes, isBigEndian: false)
        return (read.integer(position), read.integer(position + 4))
    }

    /// Inflates all members into exactly `target`.
    static func inflate(
        _ bytes: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
    ) throws(NIfTIError) {
        guard let decompressor = libdeflate_alloc_decompressor() else {
            throw NIfTIError(.memory, "there is no memory to inflate it; free some")
        }
        defer { libdeflate_free_decompressor(decompressor) }
        var position = 0
        var done = 0
        var members = 0
        repeat {
            members += 1
            guard members <= maximumMembers else {
                throw NIfTIError(.gzip, "it is made of more than \(maximumMembers) gzip members; compress it again")
            }
            guard let payload = try payload(of: bytes, at: position) else { throw truncated }
            var used = 0
            var made = 0
            let rest = UnsafeMutableRawBufferPointer(rebasing: target[done...])
            let result = libdeflate_deflate_decompress_ex(
                decompressor, bytes.baseAddress.map { $0 + payload }, bytes.count - payload, rest.baseAddress,
                rest.count, &used, &made)
            switch result {
            case LIBDEFLATE_SUCCESS: break
            case LIBDEFLATE_INSUFFICIENT_SPACE:
                throw NIfTIError(
                    .tooLong, "it inflates to more than the \(target.count) bytes its header announces; check the file")
            default:
                throw NIfTIError(.gzip, "its gzip data is damaged or cut off; copy it again")
            }
            guard let trailer = trailer(of: bytes, at: payload + used) else { throw truncated }
            let crc = libdeflate_crc32(0, rest.baseAddress, made)
            guard trailer.crc == crc, trailer.length == UInt32(truncatingIfNeeded: made) else {
                throw NIfTIError(.gzip, "its gzip checksum does not match its content; copy it again")
            }
            done += made
            position = payload + used + trailerBytes
        } while position < bytes.count
        guard done == target.count else {
            throw NIfTIError(
                .tooShort, "it inflates to \(done) bytes where its header announces \(target.count); copy it again")
        }
    }

    private static var truncated: NIfTIError {
        NIfTIError(.gzip, "its gzip data is cut off; copy it again")
    }
}
