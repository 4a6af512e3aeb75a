/// The fields of either header version as they stand in the file, in one width, unchecked.
struct HeaderFields {
    var version: Int
    var isBigEndian: Bool
    var dim: [Int64]
    var datatype: Int16
    var bitpix: Int16
    var pixdim: [Double]
    var voxelOffset: Double
    var slope: Double
    var intercept: Double
    var units: UInt8
    var qformCode: Int32
    var sformCode: Int32
    /// b, c, d.
    var quaternion: [Double]
    var qoffset: [Double]
    /// Three rows of four.
    var srow: [Double]
    var descrip: String
    var auxFile: String
    var dbName: String
    var intentName: String

    /// Bytes of the header proper with the four that announce extensions.
    var size: Int { version == 1 ? 352 : 544 }

    /// - Parameter bytes: at least 352 bytes that start with a NIfTI-1 header.
    init(version1 bytes: UnsafeRawBufferPointer, isBigEndian: Bool) {
        let read = FieldReader(bytes: bytes, isBigEndian: isBigEndian)
        func floats(_ offset: Int, _ count: Int) -> [Double] {
            (0..<count).map { Double(Float(bitPattern: read.integer(offset + 4 * $0))) }
        }
        func short(_ offset: Int) -> Int16 { read.integer(offset) }
        version = 1
        self.isBigEndian = isBigEndian
        dim = (0..<8).map { Int64(short(40 + 2 * $0)) }
        datatype = short(70)
        bitpix = short(72)
        pixdim = floats(76, 8)
        voxelOffset = floats(108, 1)[0]
        slope = floats(112, 1)[0]
        intercept = floats(116, 1)[0]
        units = read.integer(123)
        qformCode = Int32(short(252))
        sformCode = Int32(short(254))
        quaternion = floats(256, 3)
        qoffset = floats(268, 3)
        srow = floats(280, 12)
        descrip = read.text(148, 80)
        auxFile = read.text(228, 24)
        dbName = read.text(14, 18)
        intentName = read.text(328, 16)
    }

    /// - Parameter bytes: at least 544 bytes that start with a NIfTI-2 header.
    init(version2 bytes: UnsafeRawBufferPointer, isBigEndian: Bool) {
        let read = FieldReader(bytes: bytes, isBigEndian: isBigEndian)
        func doubles(_ offset: Int, _ count: Int) -> [Double] {
            (0..<count).map { Double(bitPattern: read.integer(offset + 8 * $0)) }
        }
        func int(_ offset: Int) -> Int32 { read.integer(offset) }
        version = 2
        self.isBigEndian = isBigEndian
        dim = (0..<8).map { read.integer(16 + 8 * $0) }
        datatype = read.integer(12)
        bitpix = read.integer(14)
        pixdim = doubles(104, 8)
        // Whatever does not fit a double exactly is beyond every limit of the gate.
        voxelOffset = Double(read.integer(168) as Int64)
        slope = doubles(176, 1)[0]
        intercept = doubles(184, 1)[0]
        units = UInt8(truncatingIfNeeded: int(500))
        qformCode = int(344)
        sformCode = int(348)
        quaternion = doubles(352, 3)
        qoffset = doubles(376, 3)
        srow = doubles(400, 12)
        descrip = read.text(240, 80)
        auxFile = read.text(320, 24)
        dbName = ""
        intentName = read.text(508, 16)
    }
}

/// Reads numbers of either byte order. Beyond the end it reads zeros: a caller checks the length before.
struct FieldReader {
    var bytes: UnsafeRawBufferPointer
    var isBigEndian: Bool

    func integer<Value: FixedWidthInteger & BitwiseCopyable>(_ offset: Int) -> Value {
        guard offset >= 0, offset <= bytes.count - MemoryLayout<Value>.size else { return 0 }
        let value = bytes.loadUnaligned(fromByteOffset: offset, as: Value.self)
        return isBigEndian ? Value(bigEndian: value) : Value(littleEndian: value)
    }

    func text(_ offset: Int, _ count: Int) -> String {
        guard offset >= 0, offset <= bytes.count - count else { return "" }
        return String(headerText: bytes[offset..<offset + count])
    }
}

extension String {
    /// Text of a header field: whatever follows a NUL is kept (that is where leftovers hide), every byte that is not
    /// printable becomes a space, spaces at both ends go.
    init(headerText bytes: some Sequence<UInt8>) {
        var printable: [UInt8] = []
        for byte in bytes {
            if byte > 0x20 && byte != 0x7f {
                printable.append(byte)
            } else if let last = printable.last, last != 0x20 {
                printable.append(0x20)
            }
        }
        if printable.last == 0x20 { printable.removeLast() }
        self = String(decoding: printable, as: UTF8.self)
    }
}
