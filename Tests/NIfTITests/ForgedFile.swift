/// A NIfTI file put together field by field, right or wrong: written from the standard's tables, independent of the
/// writer under test. Also makes the seeds of the fuzz target.
struct ForgedFile {
    var version = 1
    var isBigEndian = false
    /// `dim[0]` and seven sizes.
    var dim: [Int64] = [3, 4, 5, 6, 1, 1, 1, 1]
    var datatype: Int16 = 16
    /// Nil: what belongs to the datatype.
    var bitpix: Int16?
    var pixdim: [Double] = [1, 1, 1, 1, 0, 0, 0, 0]
    /// Nil: right after header and extensions.
    var voxelOffset: Double?
    var slope = 1.0
    var intercept = 0.0
    var units: UInt8 = 10
    var qformCode: Int16 = 0
    var sformCode: Int16 = 1
    var quaternion = [0.0, 0, 0]
    var qoffset = [0.0, 0, 0]
    var srow: [Double] = [1, 0, 0, -2, 0, 1, 0, -3, 0, 0, 1, -4]
    var descrip = ""
    var auxFile = ""
    var dbName = ""
    var intentName = ""
    /// Nil: what belongs to the version.
    var magic: [UInt8]?
    /// Nil: what belongs to the version.
    var sizeOfHeader: Int32?
    /// The first of the four bytes that announce extensions.
    var extender: UInt8 = 0
    /// Everything between header and voxels.
    var extensions: [UInt8] = []
    /// Nil: as many voxels as the sizes say, 0, 1, 2… in order, wrapping at 100.
    var body: [UInt8]?

    static let bits: [Int16: Int16] = [
        2: 8, 4: 16, 8: 32, 16: 32, 32: 64, 64: 64, 128: 24, 256: 8, 512: 16, 768: 32, 1024: 64, 1280: 64, 1536: 128,
        1792: 128, 2048: 256, 2304: 32,
    ]

    var headerSize: Int { version == 1 ? 348 : 540 }

    /// The whole file.
    var bytes: [UInt8] {
        var file = [UInt8](repeating: 0, count: headerSize + 4)
        let offset = voxelOffset ?? Double(headerSize + 4 + extensions.count)
        put(sizeOfHeader ?? Int32(headerSize), at: 0, in: &file)
        if version == 1 { putVersion1(&file, offset: offset) } else { putVersion2(&file, offset: offset) }
        file[headerSize] = extender
        return file + extensions + (body ?? countingBody)
    }

    /// One extension: size, code, content padded to 16.
    func entry(code: Int32, text: String, size: Int32? = nil) -> [UInt8] {
        let padded = (text.utf8.count + 8 + 15) / 16 * 16
        var entry = [UInt8](repeating: 0, count: padded)
        put(size ?? Int32(padded), at: 0, in: &entry)
        put(code, at: 4, in: &entry)
        entry.replaceSubrange(8..<8 + text.utf8.count, with: text.utf8)
        return entry
    }

    /// Stores values as the datatype does, in the file's byte order.
    func stored(_ values: [Double]) -> [UInt8] {
        var bytes: [UInt8] = []
        for value in values {
            switch datatype {
            case 2: bytes.append(UInt8(value))
            case 256: bytes.append(UInt8(bitPattern: Int8(value)))
            case 4: append(Int16(value), to: &bytes)
            case 512: append(UInt16(value), to: &bytes)
            case 8: append(Int32(value), to: &bytes)
            case 768: append(UInt32(value), to: &bytes)
            case 1024: append(Int64(value), to: &bytes)
            case 1280: append(UInt64(value), to: &bytes)
            case 64: append(value.bitPattern, to: &bytes)
            default: append(Float(value).bitPattern, to: &bytes)
            }
        }
        return bytes
    }

    private var countingBody: [UInt8] {
        let rank = Int(min(max(dim[0], 0), 7))
        let sizes = dim[1...].prefix(rank)
        guard sizes.allSatisfy({ (1...64).contains($0) }) else { return [] }
        return stored((0..<Int(sizes.reduce(1, *))).map { Double($0 % 100) })
    }

    private func putVersion1(_ file: inout [UInt8], offset: Double) {
        for axis in 0..<8 { put(Int16(truncatingIfNeeded: dim[axis]), at: 40 + 2 * axis, in: &file) }
        put(datatype, at: 70, in: &file)
        put(bitpix ?? Self.bits[datatype] ?? 32, at: 72, in: &file)
        for axis in 0..<8 { put(Float(pixdim[axis]), at: 76 + 4 * axis, in: &file) }
        for (value, at) in [(offset, 108), (slope, 112), (intercept, 116)] { put(Float(value), at: at, in: &file) }
        file[123] = units
        put(qformCode, at: 252, in: &file)
        put(sformCode, at: 254, in: &file)
        for (index, value) in (quaternion + qoffset + srow).enumerated() {
            put(Float(value), at: 256 + 4 * index, in: &file)
        }
        for (text, at, room) in [(dbName, 14, 18), (descrip, 148, 80), (auxFile, 228, 24), (intentName, 328, 16)] {
            put(text, at: at, room: room, in: &file)
        }
        file.replaceSubrange(344..<348, with: magic ?? [0x6e, 0x2b, 0x31, 0])
    }

    private func putVersion2(_ file: inout [UInt8], offset: Double) {
        file.replaceSubrange(4..<12, with: magic ?? [0x6e, 0x2b, 0x32, 0, 0x0d, 0x0a, 0x1a, 0x0a])
        put(datatype, at: 12, in: &file)
        put(bitpix ?? Self.bits[datatype] ?? 32, at: 14, in: &file)
        for axis in 0..<8 { put(dim[axis], at: 16 + 8 * axis, in: &file) }
        for axis in 0..<8 { put(pixdim[axis], at: 104 + 8 * axis, in: &file) }
        put(Int64(exactly: offset) ?? .max, at: 168, in: &file)
        put(slope, at: 176, in: &file)
        put(intercept, at: 184, in: &file)
        put(Int32(qformCode), at: 344, in: &file)
        put(Int32(sformCode), at: 348, in: &file)
        for (index, value) in (quaternion + qoffset + srow).enumerated() { put(value, at: 352 + 8 * index, in: &file) }
        put(Int32(units), at: 500, in: &file)
        for (text, at, room) in [(descrip, 240, 80), (auxFile, 320, 24), (intentName, 508, 16)] {
            put(text, at: at, room: room, in: &file)
        }
    }

    private func append(_ value: some FixedWidthInteger & BitwiseCopyable, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: isBigEndian ? value.bigEndian : value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    private func put(_ value: some FixedWidthInteger & BitwiseCopyable, at offset: Int, in file: inout [UInt8]) {
        var stored: [UInt8] = []
        append(value, to: &stored)
        file.replaceSubrange(offset..<offset + stored.count, with: stored)
    }

    private func put(_ value: Float, at offset: Int, in file: inout [UInt8]) {
        put(value.bitPattern, at: offset, in: &file)
    }

    private func put(_ value: Double, at offset: Int, in file: inout [UInt8]) {
        put(value.bitPattern, at: offset, in: &file)
    }

    private func put(_ text: String, at offset: Int, room: Int, in file: inout [UInt8]) {
        let bytes = Array(text.utf8.prefix(room))
        file.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }
}
