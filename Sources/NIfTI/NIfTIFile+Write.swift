import CDeflate

extension NIfTIFile {
    /// Writes a `.nii.gz` file (NIfTI-1, little-endian, no time stamp: the same input gives the same bytes).
    ///
    /// The sform holds the affine; the qform too where it can (edges at right angles). The file appears under its name
    /// only when it is complete.
    ///
    /// - Parameters:
    ///   - path: ends in `.nii.gz`; an existing file is replaced.
    ///   - voxels: as many as the product of `dims`, first axis fastest.
    ///   - dims: three or four sizes, 1…2048 each.
    ///   - affine: voxel indices to millimetres, RAS+; kept as 32-bit floats.
    ///   - datatype: integer types round to nearest and refuse a value they cannot hold; 64-bit types are not written.
    /// - Throws: `NIfTIError`, one sentence with the file's name.
    package static func write(
        _ path: String, voxels: [Float], dims: [Int], affine: Affine, datatype: NIfTIDatatype = .float32
    ) throws {
        do throws(NIfTIError) {
            let bytes = try encode(voxels: voxels, dims: dims, affine: affine, datatype: datatype)
            try AtomicWrite.write(bytes, to: path)
        } catch {
            throw error.about(path)
        }
    }

    /// The bytes `write` puts into the file.
    package static func encode(
        voxels: [Float], dims: [Int], affine: Affine, datatype: NIfTIDatatype
    ) throws(NIfTIError) -> [UInt8] {
        guard (3...4).contains(dims.count), dims.allSatisfy({ (1...NIfTIGate.maximumDimension).contains($0) }) else {
            throw NIfTIError(
                .dimensions,
                "sizes \(dims) cannot be written: a scan has three or four, 1…\(NIfTIGate.maximumDimension)")
        }
        guard voxels.count == dims.reduce(1, *) else {
            throw NIfTIError(.dimensions, "\(voxels.count) voxels do not fill sizes \(dims); give one value per voxel")
        }
        var file = HeaderBytes(dims: dims, affine: affine, datatype: datatype).bytes
        // Nothing is written that would not be read.
        _ = try NIfTIGate.header(of: file)
        file.reserveCapacity(file.count + voxels.count * datatype.bytes)
        try StoredVoxels.append(voxels, as: datatype, to: &file)
        return try gzip(file)
    }

    private static func gzip(_ bytes: [UInt8]) throws(NIfTIError) -> [UInt8] {
        guard let compressor = libdeflate_alloc_compressor(6) else {
            throw NIfTIError(.memory, "there is no memory to compress it; free some")
        }
        defer { libdeflate_free_compressor(compressor) }
        let bound = libdeflate_gzip_compress_bound(compressor, bytes.count)
        return [UInt8](unsafeUninitializedCapacity: bound) { target, count in
            count = libdeflate_gzip_compress(compressor, bytes, bytes.count, target.baseAddress, bound)
        }
    }
}

/// Converts values to how a file stores them.
enum StoredVoxels {
    static func append(
        _ voxels: [Float], as datatype: NIfTIDatatype, to file: inout [UInt8]
    ) throws(NIfTIError) {
        switch datatype {
        case .uint8: try append(voxels, as: UInt8.self, to: &file)
        case .int8: try append(voxels, as: Int8.self, to: &file)
        case .int16: try append(voxels, as: Int16.self, to: &file)
        case .uint16: try append(voxels, as: UInt16.self, to: &file)
        case .int32: try append(voxels, as: Int32.self, to: &file)
        case .uint32: try append(voxels, as: UInt32.self, to: &file)
        case .float32: voxels.withUnsafeBytes { file.append(contentsOf: $0) }
        case .float64, .int64, .uint64:
            throw NIfTIError(.datatype, "values of 32 bits are not written as \(datatype.name); choose float32")
        }
    }

    private static func append<Stored: FixedWidthInteger & BitwiseCopyable>(
        _ voxels: [Float], as type: Stored.Type, to file: inout [UInt8]
    ) throws(NIfTIError) {
        var stored: [Stored] = []
        stored.reserveCapacity(voxels.count)
        for value in voxels {
            guard let whole = Stored(exactly: value.rounded(.toNearestOrEven)) else {
                throw NIfTIError(.datatype, "value \(value) does not fit \(type); choose float32")
            }
            stored.append(whole)
        }
        stored.withUnsafeBytes { file.append(contentsOf: $0) }
    }
}
