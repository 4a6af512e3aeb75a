/// The end of a ZIP file: where its directory lies.
struct ZipDirectory {
    /// Where the record that says so begins.
    let recordAt: Int
    /// Entries listed.
    let count: Int
    let size: Int
    let offset: Int
    /// Where the ZIP64 record is, when there is one to be used instead.
    let zip64Offset: Int?

    /// Finds the end-of-directory record.
    /// - Parameters:
    ///   - tail: the file's last bytes.
    ///   - tailStart: where they begin in the file.
    init(tail: UnsafeRawBufferPointer, tailStart: Int) throws(WeightsError) {
        var position = tail.count - 22
        while position >= 0 {
            var cursor = ByteCursor(tail, at: position)
            if cursor.read(UInt32.self) == 0x0605_4b50, let disks = cursor.read(UInt32.self),
                let here = cursor.read(UInt16.self), let count = cursor.read(UInt16.self),
                let size = cursor.read(UInt32.self), let offset = cursor.read(UInt32.self),
                let comment = cursor.read(UInt16.self), cursor.remaining == Int(comment)
            {
                guard disks == 0 || disks == .max, here == count else { break }
                self.count = Int(count)
                self.size = Int(size)
                self.offset = Int(offset)
                recordAt = tailStart + position
                zip64Offset = Self.zip64Offset(tail, before: position)
                if zip64Offset == nil, count == .max || size == .max || offset == .max { break }
                return
            }
            position -= 1
        }
        throw WeightsError(.malformed, "it is cut short: the directory at the end of a ZIP file is missing")
    }

    /// Reads the ZIP64 record.
    init(zip64 bytes: UnsafeRawBufferPointer, recordAt: Int) throws(WeightsError) {
        var cursor = ByteCursor(bytes)
        guard cursor.read(UInt32.self) == 0x0606_4b50, cursor.read(UInt64.self) != nil, cursor.read(UInt32.self) != nil,
            cursor.read(UInt64.self) == 0, let here = cursor.read(UInt64.self), let count = cursor.read(UInt64.self),
            let size = cursor.read(UInt64.self), let offset = cursor.read(UInt64.self), here == count,
            let count = Int(exactly: count), let size = Int(exactly: size), let offset = Int(exactly: offset)
        else { throw WeightsError(.malformed, "its ZIP64 record is damaged") }
        self.recordAt = recordAt
        self.count = count
        self.size = size
        self.offset = offset
        zip64Offset = nil
    }

    private static func zip64Offset(_ tail: UnsafeRawBufferPointer, before position: Int) -> Int? {
        guard position >= 20 else { return nil }
        var cursor = ByteCursor(tail, at: position - 20)
        guard cursor.read(UInt32.self) == 0x0706_4b50, cursor.read(UInt32.self) == 0,
            let offset = cursor.read(UInt64.self)
        else { return nil }
        return Int(exactly: offset)
    }

    /// Sizes and offset of a record, from its ZIP64 field where the short ones are full.
    /// - Returns: nil when the field is missing or its numbers do not fit.
    static func widen(
        _ extra: UnsafeRawBufferPointer, unpacked: UInt32, packed: UInt32, offset: UInt32
    ) -> (unpacked: Int, packed: Int, offset: Int)? {
        guard unpacked == .max || packed == .max || offset == .max else {
            return (Int(unpacked), Int(packed), Int(offset))
        }
        var cursor = ByteCursor(extra)
        while let tag = cursor.read(UInt16.self), let size = cursor.read(UInt16.self),
            let body = cursor.read(count: Int(size))
        {
            guard tag == 1 else { continue }
            var field = ByteCursor(body)
            func next(_ short: UInt32) -> Int? {
                short == .max ? field.read(UInt64.self).flatMap { Int(exactly: $0) } : Int(short)
            }
            guard let unpacked = next(unpacked), let packed = next(packed), let offset = next(offset) else {
                return nil
            }
            return (unpacked, packed, offset)
        }
        return nil
    }
}
