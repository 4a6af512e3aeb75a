/// The gate every header passes before anything else looks at it: a pure function over a file's first bytes that
/// refuses fields which do not add up. It never traps, whatever the bytes.
package enum NIfTIGate {
    /// Longest axis.
    package static let maximumDimension = 2048
    /// Most voxels in all volumes.
    package static let maximumVoxels = 1 << 29
    /// Most bytes between header and voxels.
    package static let maximumExtensionBytes = 1 << 20
    /// Longest chain of extensions.
    package static let maximumExtensions = 64
    /// Most bytes of an inflated file.
    package static let maximumFileBytes = 4 << 30
    /// First bytes that are enough for `reach`.
    static let headerBytes = 544

    /// How many first bytes `header(of:)` needs to see: up to the first voxel.
    ///
    /// - Parameter bytes: the file's first 544 inflated bytes, or all of a shorter file.
    package static func reach(of bytes: UnsafeRawBufferPointer) throws(NIfTIError) -> Int {
        try voxelOffset(of: try fields(of: bytes))
    }

    /// The header of a NIfTI-1 or NIfTI-2 file.
    ///
    /// - Parameter bytes: the file's first `reach` inflated bytes or more.
    /// - Throws: `NIfTIError` naming the first rule that is broken.
    package static func header(of bytes: UnsafeRawBufferPointer) throws(NIfTIError) -> NIfTIHeader {
        let fields = try fields(of: bytes)
        let datatype = try datatype(of: fields)
        let dims = try dimensions(of: fields)
        let offset = try voxelOffset(of: fields)
        try checkSize(dims: dims, datatype: datatype, offset: offset)
        var warnings: [String] = []
        let placed = try Placement(of: fields, dims: dims, datatype: datatype, warnings: &warnings)
        guard bytes.count >= offset else {
            throw NIfTIError(
                .tooShort, "the file ends at byte \(bytes.count), before its first voxel at \(offset); copy it again")
        }

        var header = NIfTIHeader(
            version: fields.version, dims: dims, spacing: placed.affine.spacing, affine: placed.affine)
        header.affineSource = placed.source
        header.datatype = datatype
        header.isBigEndian = fields.isBigEndian
        header.voxelOffset = offset
        (header.slope, header.intercept) = try scaling(of: fields, warnings: &warnings)
        header.descrip = fields.descrip
        header.auxFile = fields.auxFile
        header.dbName = fields.dbName
        header.intentName = fields.intentName
        header.extensions = try ExtensionChain.extensions(
            in: bytes, from: fields.size, to: offset, isBigEndian: fields.isBigEndian)
        header.warnings = warnings
        return header
    }

    /// `reach(of:)` of bytes in an array.
    package static func reach(of bytes: [UInt8]) throws(NIfTIError) -> Int {
        try bytes.withUnsafeBytes { bytes in Result { () throws(NIfTIError) in try reach(of: bytes) } }.get()
    }

    /// `header(of:)` of bytes in an array.
    package static func header(of bytes: [UInt8]) throws(NIfTIError) -> NIfTIHeader {
        try bytes.withUnsafeBytes { bytes in Result { () throws(NIfTIError) in try header(of: bytes) } }.get()
    }

    /// Recognises version and byte order by size and magic, and names what is not read.
    static func fields(of bytes: UnsafeRawBufferPointer) throws(NIfTIError) -> HeaderFields {
        let little: Int32 = FieldReader(bytes: bytes, isBigEndian: false).integer(0)
        let isBigEndian = little.byteSwapped == 348 || little.byteSwapped == 540
        let size = isBigEndian ? little.byteSwapped : little
        guard bytes.count >= 4, size == 348 || size == 540 else {
            if let format = ForeignFormat.name(of: bytes) {
                throw NIfTIError(
                    .unsupportedFormat, "this is \(format), which is not read; convert it to .nii.gz first")
            }
            throw NIfTIError(
                .notNIfTI, "this is not a NIfTI file: its header starts with neither 348 nor 540; check the file")
        }
        let isFirst = size == 348
        guard bytes.count >= size else {
            throw NIfTIError(
                .tooShort, "the file ends after \(bytes.count) bytes, inside its \(size)-byte header; copy it again")
        }
        let magic = isFirst ? Array(bytes[344..<348]) : Array(bytes[4..<12])
        if magic == (isFirst ? [0x6e, 0x69, 0x31, 0] : [0x6e, 0x69, 0x32, 0, 0x0d, 0x0a, 0x1a, 0x0a]) {
            throw NIfTIError(
                .unsupportedFormat,
                "this is the header of a .hdr/.img pair, which is not read; convert the pair to one .nii.gz first")
        }
        if isFirst && magic == [0, 0, 0, 0] {
            throw NIfTIError(
                .unsupportedFormat,
                "this is an Analyze 7.5 header, which says nothing of left and right; convert it to .nii.gz first")
        }
        guard magic == (isFirst ? [0x6e, 0x2b, 0x31, 0] : [0x6e, 0x2b, 0x32, 0, 0x0d, 0x0a, 0x1a, 0x0a]) else {
            throw NIfTIError(.notNIfTI, "this is not a NIfTI file: its magic is neither n+1 nor n+2; check the file")
        }
        guard bytes.count >= size + 4 else {
            throw NIfTIError(
                .tooShort, "the file ends after \(bytes.count) bytes, right after its header; copy it again")
        }
        return isFirst
            ? HeaderFields(version1: bytes, isBigEndian: isBigEndian)
            : HeaderFields(version2: bytes, isBigEndian: isBigEndian)
    }

    /// Three sizes, or four for several volumes; axes of size 1 after the third are dropped from the end.
    static func dimensions(of fields: HeaderFields) throws(NIfTIError) -> [Int] {
        let rank = fields.dim[0]
        guard (1...7).contains(rank) else {
            throw NIfTIError(
                .dimensions, "the header claims \(rank) dimensions, beyond the format's seven; check the file")
        }
        guard rank >= 3 else {
            throw NIfTIError(
                .dimensions, "the image has \(rank) dimensions and a scan has three or four; give a volume")
        }
        var dims: [Int] = []
        for axis in 1...Int(rank) {
            let size = fields.dim[axis]
            guard size >= 1, size <= Int64(maximumDimension) else {
                throw NIfTIError(
                    .dimensions, "axis \(axis) has size \(size), outside 1…\(maximumDimension); check the file")
            }
            dims.append(Int(size))
        }
        while dims.count > 3, dims.last == 1 { dims.removeLast() }
        guard dims.count <= 4 else {
            throw NIfTIError(
                .dimensions, "the image has \(dims.count) dimensions and a scan has three or four; give a volume")
        }
        return dims
    }

    static func datatype(of fields: HeaderFields) throws(NIfTIError) -> NIfTIDatatype {
        guard let datatype = NIfTIDatatype(rawValue: fields.datatype) else {
            if let name = NIfTIDatatype.refusedName(of: fields.datatype) {
                throw NIfTIError(.datatype, "its voxels are \(name) and only real ones are read; give the grey image")
            }
            throw NIfTIError(.datatype, "voxel type \(fields.datatype) is unknown; check the file")
        }
        guard Int(fields.bitpix) == datatype.bytes * 8 else {
            throw NIfTIError(
                .datatype, "its voxels are \(datatype.name) of \(fields.bitpix) bits, a contradiction; check the file")
        }
        return datatype
    }

    static func voxelOffset(of fields: HeaderFields) throws(NIfTIError) -> Int {
        let offset = fields.voxelOffset
        guard offset.isFinite, offset == offset.rounded(.towardZero) else {
            throw NIfTIError(.voxelOffset, "vox_offset is \(offset), not a whole number of bytes; check the file")
        }
        guard offset >= Double(fields.size) else {
            throw NIfTIError(
                .voxelOffset, "vox_offset is \(offset), inside the \(fields.size)-byte header; check the file")
        }
        guard offset <= Double(fields.size + maximumExtensionBytes) else {
            throw NIfTIError(
                .voxelOffset, "vox_offset is \(offset): more than 1 MiB before the voxels; strip the header extensions")
        }
        return Int(offset)
    }

    static func checkSize(dims: [Int], datatype: NIfTIDatatype, offset: Int) throws(NIfTIError) {
        var voxels = 1
        for size in dims {
            let (product, overflow) = voxels.multipliedReportingOverflow(by: size)
            guard !overflow, product <= maximumVoxels else {
                throw NIfTIError(
                    .tooLarge,
                    "\(dims.map(String.init).joined(separator: "×")) voxels are more than 2^29; crop the image")
            }
            voxels = product
        }
        let (bytes, overflow) = voxels.multipliedReportingOverflow(by: datatype.bytes)
        guard !overflow, bytes <= maximumFileBytes - offset else {
            throw NIfTIError(
                .tooLarge, "its voxels take more than 4 GiB; store them in a smaller type or crop the image")
        }
    }

    /// NIfTI: a slope of 0 means no scaling at all, and many programs write it. A slope that is no number is read the
    /// same way, with a warning.
    static func scaling(
        of fields: HeaderFields, warnings: inout [String]
    ) throws(NIfTIError) -> (slope: Double, intercept: Double) {
        guard fields.slope != 0 else { return (1, 0) }
        guard fields.slope.isFinite else {
            warnings.append("scl_slope is not a number: values are taken as stored")
            return (1, 0)
        }
        guard fields.intercept.isFinite else {
            throw NIfTIError(.scaling, "scl_inter is not a number, so no voxel has a value; check the file")
        }
        return (fields.slope, fields.intercept)
    }
}
