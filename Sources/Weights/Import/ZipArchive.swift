/// The entries of a ZIP file as PyTorch writes it: stored, not compressed, ZIP64 allowed.
///
/// Refused: compressed, encrypted, duplicate or overlapping entries, links, names that climb or are absolute, more than
/// 10,000 entries. Nothing is ever extracted under an entry's name.
struct ZipArchive {
    /// One entry.
    struct Entry: Sendable {
        let name: String
        /// Where its bytes lie in the file.
        let range: Range<Int>
        let crc: UInt32
    }

    /// Bytes of the directory at the end.
    private static let directoryLimit = 4 << 20
    private static let entryLimit = 10_000

    /// Entries by name.
    let entries: [String: Entry]

    /// Reads the directory and every entry's local header.
    init(_ file: ReadableFile) throws(WeightsError) {
        let directory = try Self.locateDirectory(file)
        let bytes = try file.bytes(directory.range)
        let records = try bytes.withUnsafeBufferPointer { buffer throws(WeightsError) in
            try Self.readRecords(UnsafeRawBufferPointer(buffer), count: directory.count)
        }
        var entries: [String: Entry] = [:]
        var ranges: [Range<Int>] = []
        for record in records {
            let (whole, entry) = try Self.locate(record, file, end: directory.range.lowerBound)
            guard entries.updateValue(entry, forKey: entry.name) == nil else {
                throw refused("the entry \(printable(entry.name)) appears twice")
            }
            ranges.append(whole)
        }
        ranges.sort { $0.lowerBound < $1.lowerBound }
        for (one, next) in zip(ranges, ranges.dropFirst()) where one.upperBound > next.lowerBound {
            throw refused("entries overlap")
        }
        self.entries = entries
    }

    /// What the directory says of an entry.
    struct Record {
        let name: [UInt8]
        let flags: UInt16
        let crc: UInt32
        let size: Int
        let headerOffset: Int
    }

    /// Where the directory lies and how many entries it lists.
    private static func locateDirectory(_ file: ReadableFile) throws(WeightsError) -> (range: Range<Int>, count: Int) {
        let tailStart = max(0, file.size - (22 + 65_535))
        let tail = try file.bytes(tailStart..<file.size)
        let found: ZipDirectory = try tail.withUnsafeBufferPointer { buffer throws(WeightsError) in
            try ZipDirectory(tail: UnsafeRawBufferPointer(buffer), tailStart: tailStart)
        }
        var directory = found
        if let offset = found.zip64Offset {
            guard offset >= 0, offset <= file.size - 56 else { throw refused("its ZIP64 record is missing") }
            let record = try file.bytes(offset..<(offset + 56))
            directory = try record.withUnsafeBufferPointer { buffer throws(WeightsError) in
                try ZipDirectory(zip64: UnsafeRawBufferPointer(buffer), recordAt: offset)
            }
        }
        guard directory.count <= entryLimit, directory.size <= directoryLimit else {
            throw WeightsError(.limitExceeded, "its ZIP directory lists more than 10,000 entries")
        }
        guard directory.offset <= directory.recordAt, directory.size == directory.recordAt - directory.offset else {
            throw refused("its ZIP directory is not where the file says")
        }
        return (directory.offset..<(directory.offset + directory.size), directory.count)
    }

    /// Reads the directory's records.
    static func readRecords(_ bytes: UnsafeRawBufferPointer, count: Int) throws(WeightsError) -> [Record] {
        var cursor = ByteCursor(bytes)
        var records: [Record] = []
        while cursor.remaining > 0 {
            guard records.count < count, cursor.read(UInt32.self) == 0x0201_4b50, cursor.read(UInt32.self) != nil,
                let flags = cursor.read(UInt16.self), let method = cursor.read(UInt16.self),
                cursor.read(UInt32.self) != nil, let crc = cursor.read(UInt32.self),
                let packed = cursor.read(UInt32.self), let unpacked = cursor.read(UInt32.self),
                let nameCount = cursor.read(UInt16.self), let extraCount = cursor.read(UInt16.self),
                let commentCount = cursor.read(UInt16.self), let disk = cursor.read(UInt16.self),
                cursor.read(UInt16.self) != nil, let attributes = cursor.read(UInt32.self),
                let offset = cursor.read(UInt32.self), let name = cursor.read(count: Int(nameCount)),
                let extra = cursor.read(count: Int(extraCount)), cursor.read(count: Int(commentCount)) != nil
            else { throw refused("its ZIP directory is damaged") }
            let shown = printable(String(decoding: name, as: UTF8.self))
            guard method == 0, flags & 0x0041 == 0 else {
                throw refused("the entry \(shown) is compressed or encrypted")
            }
            // The upper half holds the Unix mode: a link is not a storage.
            guard attributes >> 28 != 0xa else { throw refused("the entry \(shown) is a link") }
            guard
                let wide = ZipDirectory.widen(
                    extra, unpacked: unpacked, packed: packed, offset: offset), wide.packed == wide.unpacked, disk == 0
            else { throw refused("the sizes of the entry \(shown) do not agree") }
            records.append(
                Record(name: Array(name), flags: flags, crc: crc, size: wide.unpacked, headerOffset: wide.offset))
        }
        guard records.count == count else { throw refused("its ZIP directory lists fewer entries than it says") }
        return records
    }

    /// Checks an entry's local header, which alone says where its bytes begin.
    private static func locate(
        _ record: Record, _ file: ReadableFile, end: Int
    ) throws(WeightsError) -> (whole: Range<Int>, entry: Entry) {
        let name = String(decoding: record.name, as: UTF8.self)
        let shown = printable(name)
        guard isPlain(record.name) else { throw refused("the entry name “\(shown)” is not a plain relative path") }
        guard record.headerOffset <= end - 30 - record.name.count else {
            throw refused("the entry \(shown) lies outside the file")
        }
        let bytes = try file.bytes(record.headerOffset..<(record.headerOffset + 30 + record.name.count))
        let local = bytes.withUnsafeBufferPointer { buffer -> (sizes: Bool, start: Int)? in
            var cursor = ByteCursor(UnsafeRawBufferPointer(buffer))
            guard cursor.read(UInt32.self) == 0x0403_4b50, cursor.read(UInt16.self) != nil,
                cursor.read(UInt16.self) == record.flags, cursor.read(UInt16.self) == 0,
                cursor.read(UInt32.self) != nil,
                cursor.read(UInt32.self) != nil, let packed = cursor.read(UInt32.self),
                let unpacked = cursor.read(UInt32.self), cursor.read(UInt16.self) == UInt16(record.name.count),
                let extraCount = cursor.read(UInt16.self), let name = cursor.read(count: record.name.count),
                name.elementsEqual(record.name)
            else { return nil }
            // Sizes are in a descriptor after the bytes (bit 3), in the ZIP64 field, or here.
            let deferred = record.flags & 0x0008 != 0 && packed == 0 && unpacked == 0
            let wide = packed == .max && unpacked == .max
            let sizes = deferred || wide || (Int(packed) == record.size && Int(unpacked) == record.size)
            return (sizes, 30 + record.name.count + Int(extraCount))
        }
        guard let local, local.sizes else { throw refused("the entry \(shown) is described in two ways") }
        let start = record.headerOffset + local.start
        guard start <= end, record.size <= end - start else {
            throw refused("the entry \(shown) lies outside the file")
        }
        return (
            record.headerOffset..<(start + record.size),
            Entry(name: name, range: start..<(start + record.size), crc: record.crc)
        )
    }

    /// Whether a name is relative, does not climb, and is printable.
    private static func isPlain(_ name: [UInt8]) -> Bool {
        guard !name.isEmpty, name.count <= 1_024, name.allSatisfy({ $0 >= 0x20 && $0 != 0x7f && $0 != 0x5c }),
            String(validating: name, as: UTF8.self) != nil
        else { return false }
        let parts = name.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return parts.allSatisfy {
            !$0.isEmpty && !$0.elementsEqual(Array("..".utf8)) && !$0.elementsEqual(Array(".".utf8))
        }
    }
}

private func refused(_ reason: String) -> WeightsError {
    WeightsError(.malformed, reason)
}
