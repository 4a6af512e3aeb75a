import CNIfTI

/// The 352 bytes of a NIfTI-1 header made here: little-endian, values as stored, in scanner millimetres.
struct HeaderBytes {
    private(set) var bytes = [UInt8](repeating: 0, count: 352)

    /// - Parameter dims: three or four sizes.
    init(dims: [Int], affine: Affine, datatype: NIfTIDatatype) {
        put(Int32(348), at: 0)
        bytes.replaceSubrange(344..<348, with: [0x6e, 0x2b, 0x31, 0])
        bytes[38] = UInt8(ascii: "r")
        for (axis, size) in ([dims.count] + dims + Array(repeating: 1, count: 7 - dims.count)).enumerated() {
            put(Int16(size), at: 40 + 2 * axis)
        }
        put(datatype.rawValue, at: 70)
        put(Int16(datatype.bytes * 8), at: 72)
        put(Float(352), at: 108)
        put(Float(1), at: 112)
        bytes[123] = 2 | 8
        for (axis, edge) in ([1] + affine.spacing + [1, 0, 0, 0]).enumerated() { put(Float(edge), at: 76 + 4 * axis) }
        put(Int16(1), at: 254)
        for (index, value) in affine.rows.joined().enumerated() { put(Float(value), at: 280 + 4 * index) }
        putQform(affine)
    }

    /// A qform can say rotations, edges and one mirror only; where that is not the affine, it stays unset.
    private mutating func putQform(_ affine: Affine) {
        var matrix = nifti_dmat44()
        withUnsafeMutableBytes(of: &matrix.m) { target in
            (Array(affine.rows.joined()) + [0, 0, 0, 1]).withUnsafeBytes { target.copyMemory(from: $0) }
        }
        var (b, c, d, x, y, z, dx, dy, dz, qfac) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        nifti_dmat44_to_quatern(matrix, &b, &c, &d, &x, &y, &z, &dx, &dy, &dz, &qfac)
        let back = Affine(library: nifti_quatern_to_dmat44(b, c, d, x, y, z, dx, dy, dz, qfac))
        let scale = affine.spacing.reduce(0, max)
        let isSame = zip(affine.rows.joined(), back.rows.joined()).allSatisfy { ($0 - $1).magnitude <= 1e-4 * scale }
        guard isSame else { return }
        put(Int16(1), at: 252)
        put(Float(qfac), at: 76)
        for (index, value) in [b, c, d, x, y, z].enumerated() { put(Float(value), at: 256 + 4 * index) }
    }

    private mutating func put(_ value: some FixedWidthInteger & BitwiseCopyable, at offset: Int) {
        withUnsafeBytes(of: value.littleEndian) { bytes.replaceSubrange(offset..<offset + $0.count, with: $0) }
    }

    private mutating func put(_ value: Float, at offset: Int) { put(value.bitPattern, at: offset) }
}
