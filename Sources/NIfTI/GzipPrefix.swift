import CDeflate

/// Inflates only the beginning of a gzip file, by zlib, so that the gate can look before anything is allocated.
enum GzipPrefix {
    /// The first inflated bytes.
    ///
    /// - Parameters:
    ///   - bytes: the beginning of the file, or all of it.
    ///   - limit: the most bytes to inflate.
    /// - Returns: `limit` bytes, or fewer when the data or `bytes` ends before.
    /// - Throws: when what was reached is damaged. Checksums are not looked at: the full reading does that.
    static func inflate(_ bytes: UnsafeRawBufferPointer, limit: Int) throws(NIfTIError) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: limit)
        var done = 0
        var position = 0
        var members = 0
        while done < limit, members < GzipMember.maximumMembers, position < bytes.count {
            members += 1
            guard let payload = try GzipMember.payload(of: bytes, at: position) else { break }
            guard let step = member(bytes, from: payload, into: &output, at: done) else {
                throw NIfTIError(.gzip, "its gzip data is damaged; copy it again")
            }
            done += step.made
            guard step.isComplete else { break }
            position = payload + step.used + GzipMember.trailerBytes
        }
        output.removeLast(limit - done)
        return output
    }

    private struct Step {
        var used: Int
        var made: Int
        var isComplete: Bool
    }

    /// Inflates one member's stream as far as there is input and room; nil when it is damaged.
    private static func member(
        _ bytes: UnsafeRawBufferPointer, from payload: Int, into output: inout [UInt8], at done: Int
    ) -> Step? {
        var stream = z_stream()
        // Minus: a bare deflate stream, whose wrapping has been parsed already.
        guard
            inflateInit2_(&stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { return nil }
        defer { inflateEnd(&stream) }
        let input = UnsafeRawBufferPointer(rebasing: bytes[payload...]).bindMemory(to: UInt8.self)
        let inputCount = min(input.count, Int(Int32.max))
        return output.withUnsafeMutableBufferPointer { output -> Step? in
            let room = output.count - done
            // zlib reads through this pointer and never writes; its C type lacks the const.
            stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.avail_in = UInt32(inputCount)
            stream.next_out = output.baseAddress.map { $0 + done }
            stream.avail_out = UInt32(room)
            let result = inflate(&stream)
            guard result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR else { return nil }
            return Step(
                used: inputCount - Int(stream.avail_in), made: room - Int(stream.avail_out),
                isComplete: result == Z_STREAM_END)
        }
    }

    private static func inflate(_ stream: inout z_stream) -> Int32 { CDeflate.inflate(&stream, Z_SYNC_FLUSH) }
}
