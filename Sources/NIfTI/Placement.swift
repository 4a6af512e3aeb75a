import CNIfTI

/// Where the voxels lie: the map libnifti makes of a header whose fields have been checked.
struct Placement {
    var affine: Affine
    var source: NIfTIHeader.AffineSource

    /// Smallest and largest voxel edge in millimetres.
    static let edges = 0.05...20.0
    /// Farthest first voxel from the scanner's origin in millimetres, along one axis.
    static let farthest = 1e6
    /// Smallest volume of a voxel over that of the box with the same edges; below, its edges lie almost in a plane.
    static let leastVolume = 1e-3

    init(
        of fields: HeaderFields, dims: [Int], datatype: NIfTIDatatype, warnings: inout [String]
    ) throws(NIfTIError) {
        guard fields.pixdim[0...3].allSatisfy(\.isFinite) else {
            throw NIfTIError(.affine, "a voxel size (pixdim) is not a number; check the file")
        }
        var fields = fields
        if fields.sformCode <= 0 || fields.qformCode > 0 {
            Placement.repairPixdim(&fields, warnings: &warnings)
        }
        try Placement.checkForms(&fields, warnings: &warnings)

        let maps = try Placement.libraryMaps(fields, dims: dims, datatype: datatype)
        source = fields.sformCode > 0 ? .sform : fields.qformCode > 0 ? .qform : .none
        affine = source == .sform ? maps.sform : maps.qform
        try affine.check(as: source)
        warn(fields, dims: dims, qform: maps.qform, warnings: &warnings)
    }

    /// Edges are lengths: a sign in them means nothing (the one in pixdim[0], qfac, does).
    private static func repairPixdim(_ fields: inout HeaderFields, warnings: inout [String]) {
        guard fields.pixdim[1...3].contains(where: { $0 < 0 }) else { return }
        warnings.append("a voxel size (pixdim) is negative: its sign is ignored")
        for axis in 1...3 { fields.pixdim[axis] = fields.pixdim[axis].magnitude }
    }

    /// The form that will be used must be finite; one that will not be used is dropped when it is not.
    private static func checkForms(_ fields: inout HeaderFields, warnings: inout [String]) throws(NIfTIError) {
        if fields.sformCode > 0, !fields.srow.allSatisfy(\.isFinite) {
            throw NIfTIError(.affine, "its sform holds a value that is not a number; repair the header")
        }
        let edgesAreUsable = fields.pixdim[1...3].allSatisfy { $0 > 0 }
        if fields.sformCode <= 0, !edgesAreUsable {
            throw NIfTIError(.affine, "a voxel size (pixdim) is 0 and there is no sform; repair the header")
        }
        guard fields.qformCode > 0 else { return }
        let length = fields.quaternion.reduce(0) { $0 + $1 * $1 }
        let isSound = length.isFinite && length <= 1.01 && fields.qoffset.allSatisfy(\.isFinite) && edgesAreUsable
        if isSound { return }
        guard fields.sformCode > 0 else {
            throw NIfTIError(.affine, "its qform is not a rotation with voxel sizes and an offset; repair the header")
        }
        fields.qformCode = 0
        warnings.append("the qform is not a rotation and is ignored; the sform is used")
    }

    private func warn(_ fields: HeaderFields, dims: [Int], qform: Affine, warnings: inout [String]) {
        if source == .none {
            warnings.append("neither sform nor qform is set: left and right are unknown, axes are taken as RAS")
        }
        if fields.sformCode > 0, fields.qformCode > 0 {
            let apart = affine.distance(to: qform, over: dims)
            if apart > 1 {
                warnings.append("sform and qform disagree by up to \(apart.rounded()) mm; the sform is used")
            }
        }
        let angle = affine.obliqueness
        if angle > 1 { warnings.append("oblique: an axis is \((angle * 10).rounded() / 10) degrees off its nearest") }
        switch fields.units & 7 {
        case 1: warnings.append("the header's unit is the metre; its numbers are taken as millimetres")
        case 3: warnings.append("the header's unit is the micrometre; its numbers are taken as millimetres")
        default: break
        }
    }

    /// libnifti's conversion of a header that holds only what the gate has checked, in this machine's byte order.
    private static func libraryMaps(
        _ fields: HeaderFields, dims: [Int], datatype: NIfTIDatatype
    ) throws(NIfTIError) -> (sform: Affine, qform: Affine) {
        _ = quietLibrary
        let image = fields.version == 1 ? convert1(fields, dims, datatype) : convert2(fields, dims, datatype)
        guard let image else {
            throw NIfTIError(.affine, "the NIfTI library cannot read the header's orientation; repair the header")
        }
        defer { nifti_image_free(image) }
        return (Affine(library: image.pointee.sto_xyz), Affine(library: image.pointee.qto_xyz))
    }

    /// The library writes to standard error by default.
    private static let quietLibrary: Void = nifti_set_debug_level(0)

    private static func convert1(
        _ fields: HeaderFields, _ dims: [Int], _ datatype: NIfTIDatatype
    ) -> UnsafeMutablePointer<nifti_image>? {
        var header = nifti_1_header()
        header.sizeof_hdr = 348
        header.magic = (0x6e, 0x2b, 0x31, 0)
        header.datatype = datatype.rawValue
        header.bitpix = Int16(datatype.bytes * 8)
        header.vox_offset = 352
        store(ranks(dims).map { Int16($0) }, in: &header.dim)
        store(pixdims(fields).map { Float($0) }, in: &header.pixdim)
        header.qform_code = fields.qformCode > 0 ? 1 : 0
        header.sform_code = fields.sformCode > 0 ? 1 : 0
        if fields.qformCode > 0 {
            (header.quatern_b, header.quatern_c, header.quatern_d) = triple(fields.quaternion.map { Float($0) })
            (header.qoffset_x, header.qoffset_y, header.qoffset_z) = triple(fields.qoffset.map { Float($0) })
        }
        if fields.sformCode > 0 {
            let rows = fields.srow.map { Float($0) }
            header.srow_x = (rows[0], rows[1], rows[2], rows[3])
            header.srow_y = (rows[4], rows[5], rows[6], rows[7])
            header.srow_z = (rows[8], rows[9], rows[10], rows[11])
        }
        return nifti_convert_n1hdr2nim(header, nil)
    }

    private static func convert2(
        _ fields: HeaderFields, _ dims: [Int], _ datatype: NIfTIDatatype
    ) -> UnsafeMutablePointer<nifti_image>? {
        var header = nifti_2_header()
        header.sizeof_hdr = 540
        header.magic = (0x6e, 0x2b, 0x32, 0, 0x0d, 0x0a, 0x1a, 0x0a)
        header.datatype = datatype.rawValue
        header.bitpix = Int16(datatype.bytes * 8)
        header.vox_offset = 544
        store(ranks(dims).map { Int64($0) }, in: &header.dim)
        store(pixdims(fields), in: &header.pixdim)
        header.qform_code = fields.qformCode > 0 ? 1 : 0
        header.sform_code = fields.sformCode > 0 ? 1 : 0
        if fields.qformCode > 0 {
            (header.quatern_b, header.quatern_c, header.quatern_d) = triple(fields.quaternion)
            (header.qoffset_x, header.qoffset_y, header.qoffset_z) = triple(fields.qoffset)
        }
        if fields.sformCode > 0 {
            let rows = fields.srow
            header.srow_x = (rows[0], rows[1], rows[2], rows[3])
            header.srow_y = (rows[4], rows[5], rows[6], rows[7])
            header.srow_z = (rows[8], rows[9], rows[10], rows[11])
        }
        return nifti_convert_n2hdr2nim(header, nil)
    }

    /// Number of dimensions and the seven sizes.
    private static func ranks(_ dims: [Int]) -> [Int] {
        [dims.count] + dims + Array(repeating: 1, count: 7 - dims.count)
    }

    /// Copies eight numbers into a C array, which Swift sees as a tuple.
    private static func store<Value: BitwiseCopyable, Field>(_ values: [Value], in field: inout Field) {
        withUnsafeMutableBytes(of: &field) { field in values.withUnsafeBytes { field.copyMemory(from: $0) } }
    }

    /// qfac and the three edges; the other axes' are of no use here.
    private static func pixdims(_ fields: HeaderFields) -> [Double] {
        [fields.pixdim[0] < 0 ? -1 : 1] + fields.pixdim[1...3] + [1, 1, 1, 1]
    }

    private static func triple<Value>(_ values: [Value]) -> (Value, Value, Value) { (values[0], values[1], values[2]) }
}

extension Affine {
    init(library matrix: nifti_dmat44) {
        self.init(
            rows: withUnsafeBytes(of: matrix.m) { bytes in
                let values = bytes.bindMemory(to: Double.self)
                return (0..<3).map { row in Array(values[row * 4..<row * 4 + 4]) }
            })
    }

    /// Refuses a map that is not finite, or whose voxels are flat, too small or too large.
    fileprivate func check(as source: NIfTIHeader.AffineSource) throws(NIfTIError) {
        let name = source == .none ? "pixdim" : source.rawValue
        guard rows.allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
            throw NIfTIError(.affine, "its \(name) holds a value that is not a number; repair the header")
        }
        let spacing = spacing
        let sizes = spacing.map { "\(Float($0))" }.joined(separator: " × ")
        guard spacing.allSatisfy(Placement.edges.contains) else {
            throw NIfTIError(
                .affine, "its \(name) gives voxel sizes of \(sizes) mm, outside 0.05…20; repair the header")
        }
        guard determinant.magnitude >= Placement.leastVolume * spacing.reduce(1, *) else {
            throw NIfTIError(.affine, "its \(name) is singular: two axes fall together; repair the header")
        }
        guard rows.allSatisfy({ $0[3].magnitude <= Placement.farthest }) else {
            throw NIfTIError(.affine, "its \(name) places the image over a kilometre away; repair the header")
        }
    }
}
