import Testing

import NIfTI

/// The gate over headers forged field by field: one broken rule each.
struct GateTests {
    struct Broken: CustomTestStringConvertible, Sendable {
        var name: String
        var code: NIfTIError.Code
        var change: @Sendable (inout ForgedFile) -> Void

        init(_ name: String, _ code: NIfTIError.Code, _ change: @escaping @Sendable (inout ForgedFile) -> Void) {
            (self.name, self.code, self.change) = (name, code, change)
        }

        var testDescription: String { name }
    }

    static let broken: [Broken] = [
        Broken("sizeof_hdr 347", .notNIfTI) { $0.sizeOfHeader = 347 },
        Broken("magic n+3", .notNIfTI) { $0.magic = [0x6e, 0x2b, 0x33, 0] },
        Broken("half of a pair", .unsupportedFormat) { $0.magic = [0x6e, 0x69, 0x31, 0] },
        Broken("half of a NIfTI-2 pair", .unsupportedFormat) {
            ($0.version, $0.magic) = (2, [0x6e, 0x69, 0x32, 0, 0x0d, 0x0a, 0x1a, 0x0a])
        },
        Broken("line ends turned by a text transfer", .notNIfTI) {
            ($0.version, $0.magic) = (2, [0x6e, 0x2b, 0x32, 0, 0x0a, 0x0a, 0x1a, 0x0a])
        },
        Broken("Analyze 7.5", .unsupportedFormat) { $0.magic = [0, 0, 0, 0] },
        Broken("0 dimensions", .dimensions) { $0.dim[0] = 0 },
        Broken("-1 dimensions", .dimensions) { $0.dim[0] = -1 },
        Broken("200 dimensions", .dimensions) { $0.dim[0] = 200 },
        Broken("2 dimensions", .dimensions) { $0.dim[0] = 2 },
        Broken("5 dimensions", .dimensions) { $0.dim = [5, 2, 2, 2, 2, 2, 1, 1] },
        Broken("an axis of 0", .dimensions) { $0.dim[2] = 0 },
        Broken("an axis of -4", .dimensions) { $0.dim[1] = -4 },
        Broken("an axis of 2049", .dimensions) { $0.dim[3] = 2049 },
        Broken("an axis of 2^62", .dimensions) { ($0.version, $0.dim[1]) = (2, 1 << 62) },
        Broken("2^29 voxels and a row", .tooLarge) { $0.dim = [3, 2048, 2048, 129, 1, 1, 1, 1] },
        Broken("2048^4 voxels", .tooLarge) { $0.dim = [4, 2048, 2048, 2048, 2048, 1, 1, 1] },
        Broken("4 GiB of voxels and a header", .tooLarge) {
            ($0.dim, $0.datatype) = ([3, 2048, 2048, 128, 1, 1, 1, 1], 64)
        },
        Broken("one-bit voxels", .datatype) { $0.datatype = 1 },
        Broken("complex64", .datatype) { $0.datatype = 32 },
        Broken("complex128", .datatype) { $0.datatype = 1792 },
        Broken("RGB", .datatype) { $0.datatype = 128 },
        Broken("RGBA", .datatype) { $0.datatype = 2304 },
        Broken("float128", .datatype) { $0.datatype = 1536 },
        Broken("datatype 0", .datatype) { $0.datatype = 0 },
        Broken("datatype 1234", .datatype) { $0.datatype = 1234 },
        Broken("int16 of 8 bits", .datatype) { ($0.datatype, $0.bitpix) = (4, 8) },
        Broken("float32 of 0 bits", .datatype) { $0.bitpix = 0 },
        Broken("vox_offset NaN", .voxelOffset) { $0.voxelOffset = .nan },
        Broken("vox_offset infinite", .voxelOffset) { $0.voxelOffset = .infinity },
        Broken("vox_offset 1e30", .voxelOffset) { $0.voxelOffset = 1e30 },
        Broken("vox_offset -352", .voxelOffset) { $0.voxelOffset = -352 },
        Broken("vox_offset 0", .voxelOffset) { $0.voxelOffset = 0 },
        Broken("vox_offset 348", .voxelOffset) { $0.voxelOffset = 348 },
        Broken("vox_offset 352.5", .voxelOffset) { $0.voxelOffset = 352.5 },
        Broken("vox_offset 543 of NIfTI-2", .voxelOffset) { ($0.version, $0.voxelOffset) = (2, 543) },
        Broken("vox_offset 2^63 - 1", .voxelOffset) { ($0.version, $0.voxelOffset) = (2, .infinity) },
        Broken("over 1 MiB of extensions", .voxelOffset) { $0.voxelOffset = 353 + 1_048_576 },
        Broken("vox_offset behind the end", .tooShort) { $0.voxelOffset = 100_000 },
        Broken("an extension of size 0", .extensions) {
            ($0.extender, $0.extensions) = (1, $0.entry(code: 6, text: "x", size: 0))
        },
        Broken("an extension of size -16", .extensions) {
            ($0.extender, $0.extensions) = (1, $0.entry(code: 6, text: "x", size: -16))
        },
        Broken("an extension of size 8", .extensions) {
            ($0.extender, $0.extensions) = (1, $0.entry(code: 6, text: "x", size: 8))
        },
        Broken("an extension of size 24", .extensions) {
            ($0.extender, $0.extensions) = (1, $0.entry(code: 6, text: "twenty-four bytes", size: 24))
        },
        Broken("an extension that runs into the voxels", .extensions) {
            ($0.extender, $0.extensions) = (1, $0.entry(code: 6, text: "x", size: 32))
        },
        Broken("an extension of size 2^31 - 16", .extensions) {
            ($0.extender, $0.extensions) = (1, $0.entry(code: 6, text: "x", size: 2_147_483_632))
        },
        Broken("half an extension", .extensions) {
            ($0.extender, $0.extensions) = (1, Array($0.entry(code: 6, text: "x")[..<8]))
        },
        Broken("65 extensions", .extensions) { file in
            let entry = file.entry(code: 6, text: "x")
            (file.extender, file.extensions) = (1, Array(repeatElement(entry, count: 65).joined()))
        },
        Broken("a voxel size NaN", .affine) { $0.pixdim[2] = .nan },
        Broken("a voxel size infinite", .affine) { $0.pixdim[1] = .infinity },
        Broken("qfac NaN", .affine) { $0.pixdim[0] = .nan },
        Broken("no form and a voxel size 0", .affine) { ($0.sformCode, $0.pixdim[3]) = (0, 0) },
        Broken("no form and a voxel size 21", .affine) { ($0.sformCode, $0.pixdim[3]) = (0, 21) },
        Broken("sform with a NaN", .affine) { $0.srow[5] = .nan },
        Broken("sform with an infinite offset", .affine) { $0.srow[3] = .infinity },
        Broken("sform of zeros", .affine) { $0.srow = Array(repeating: 0, count: 12) },
        Broken("sform with two equal axes", .affine) { $0.srow = [1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0] },
        Broken("sform with voxels of 0.04 mm", .affine) { $0.srow[0] = 0.04 },
        Broken("sform a thousand kilometres off", .affine) { $0.srow[3] = 1e9 },
        Broken("qform with a NaN", .affine) {
            ($0.sformCode, $0.qformCode, $0.quaternion) = (0, 1, [0, .nan, 0])
        },
        Broken("qform longer than a rotation", .affine) {
            ($0.sformCode, $0.qformCode, $0.quaternion) = (0, 1, [1, 1, 0])
        },
        Broken("qform with an infinite offset", .affine) {
            ($0.sformCode, $0.qformCode, $0.qoffset) = (0, 1, [0, .infinity, 0])
        },
        Broken("qform with a voxel size 0", .affine) { ($0.sformCode, $0.qformCode, $0.pixdim[1]) = (0, 1, 0) },
        Broken("scl_inter NaN", .scaling) { $0.intercept = .nan },
        Broken("scl_inter infinite", .scaling) { $0.intercept = .infinity },
    ]

    @Test("A header that breaks a rule is refused by that rule, in either byte order", arguments: broken)
    func refusesABrokenRule(_ rule: Broken) throws {
        for isBigEndian in [false, true] {
            var file = ForgedFile()
            file.isBigEndian = isBigEndian
            rule.change(&file)
            let error = #expect(throws: NIfTIError.self) { try NIfTIGate.header(of: file.bytes) }
            #expect(error?.code == rule.code)
        }
    }

    @Test("The unbroken header passes, in both versions and byte orders")
    func acceptsTheUnbrokenHeader() throws {
        for version in 1...2 {
            for isBigEndian in [false, true] {
                var file = ForgedFile()
                (file.version, file.isBigEndian) = (version, isBigEndian)
                let header = try NIfTIGate.header(of: file.bytes)
                #expect(header.dims == [4, 5, 6])
                #expect(header.version == version)
                #expect(header.isBigEndian == isBigEndian)
                #expect(header.affine.rows == [[1, 0, 0, -2], [0, 1, 0, -3], [0, 0, 1, -4]])
                #expect(header.warnings == [])
                #expect(header.fileBytes == file.bytes.count)
            }
        }
    }

    @Test("Every way to cut a header short is refused")
    func refusesEveryPrefix() {
        for version in 1...2 {
            var file = ForgedFile()
            file.version = version
            let bytes = file.bytes
            for count in 0..<(file.headerSize + 4) {
                #expect(throws: NIfTIError.self) { try NIfTIGate.header(of: Array(bytes[..<count])) }
            }
        }
    }

    @Test("The gate says how many bytes it needs: up to the first voxel")
    func tellsItsReach() throws {
        var file = ForgedFile()
        file.extender = 1
        file.extensions = file.entry(code: 6, text: "twenty bytes of text")
        #expect(try NIfTIGate.reach(of: file.bytes) == 384)
        #expect(try NIfTIGate.header(of: file.bytes).voxelOffset == 384)
    }

    @Test("Axes of size 1 behind the third are dropped, others stay")
    func dropsTrailingOnes() throws {
        func dims(_ dim: [Int64]) throws -> [Int] {
            var file = ForgedFile()
            file.dim = dim
            return try NIfTIGate.header(of: file.bytes).dims
        }
        #expect(try dims([7, 4, 5, 6, 1, 1, 1, 1]) == [4, 5, 6])
        #expect(try dims([4, 4, 5, 1, 1, 1, 1, 1]) == [4, 5, 1])
        #expect(try dims([5, 4, 5, 1, 2, 1, 1, 1]) == [4, 5, 1, 2])
        #expect(try dims([3, 4, 5, 6, 0, 0, -3, 9]) == [4, 5, 6])
        #expect(try dims([3, 2048, 2048, 128, 0, 0, 0, 0]) == [2048, 2048, 128])
    }

    @Test("The text of every field and extension is kept, and what follows a NUL too")
    func keepsText() throws {
        var file = ForgedFile()
        (file.descrip, file.auxFile, file.dbName, file.intentName) = ("TE=4.9\0left over", "none", "site 3", "mask")
        file.extender = 1
        file.extensions = file.entry(code: 6, text: "made by hand") + file.entry(code: 4, text: "<AFNI/>")
        let header = try NIfTIGate.header(of: file.bytes)
        #expect(header.descrip == "TE=4.9 left over")
        #expect(header.auxFile == "none")
        #expect(header.dbName == "site 3")
        #expect(header.intentName == "mask")
        #expect(header.extensions.map(\.code) == [6, 4])
        #expect(header.extensions.map(\.text) == ["made by hand", "<AFNI/>"])
    }

    @Test("Zeros after the last extension are padding, other bytes without an extension are kept to be looked at")
    func readsPadding() throws {
        var file = ForgedFile()
        file.extender = 1
        file.extensions = file.entry(code: 6, text: "x") + [UInt8](repeating: 0, count: 20)
        #expect(try NIfTIGate.header(of: file.bytes).extensions.count == 1)
        file.extender = 0
        #expect(try NIfTIGate.header(of: file.bytes).extensions.map(\.code) == [-1])
        file.extensions = [UInt8](repeating: 0, count: 20)
        #expect(try NIfTIGate.header(of: file.bytes).extensions == [])
    }

    @Test("Other formats are refused by their names")
    func namesOtherFormats() {
        var mgh = [UInt8](repeating: 0, count: 284)
        (mgh[3], mgh[23]) = (1, 3)
        let dicom = [UInt8](repeating: 0, count: 128) + Array("DICM".utf8)
        let formats: [(String, [UInt8])] = [
            (".nia", Array("<nifti_image nifti_type='NIFTI-1A' />".utf8)), (".mgz", mgh), ("DICOM", dicom),
            ("NRRD", Array("NRRD0004\n".utf8)), ("HDF5", [0x89] + Array("HDF\r\n".utf8)), ("zip", [0x50, 0x4b, 3, 4]),
        ]
        for (name, bytes) in formats {
            let error = #expect(throws: NIfTIError.self) { try NIfTIGate.header(of: bytes) }
            #expect(error?.code == .unsupportedFormat)
            #expect(error?.message.contains(name) == true)
        }
    }

    @Test("A slope of 0 is the usual way to say that values are as stored: no warning")
    func slopeOfZero() throws {
        var file = ForgedFile()
        (file.slope, file.intercept) = (0, 7)
        let header = try NIfTIFile.content(of: file.bytes).header
        #expect(header.warnings.isEmpty)
        #expect((header.slope, header.intercept) == (1, 0))
    }

    @Test("What is unusual but usable is accepted with a warning")
    func warns() throws {
        let shapes: [(String, (inout ForgedFile) -> Void)] = [
            ("scl_slope is not a number", { $0.slope = .nan }),
            ("neither sform nor qform", { $0.sformCode = 0 }),
            ("disagree by up to 10.0 mm", { ($0.qformCode, $0.qoffset) = (1, [8, -3, -4]) }),
            ("the qform is not a rotation", { ($0.qformCode, $0.quaternion) = (1, [2, 0, 0]) }),
            ("voxel size (pixdim) is negative", { ($0.sformCode, $0.pixdim[1]) = (0, -1) }),
            (
                "oblique: an axis is 30.0 degrees",
                { $0.srow = [0.866025, -0.5, 0, 0, 0.5, 0.866025, 0, 0, 0, 0, 1, 0] }
            ),
            ("micrometre", { $0.units = 3 }), ("metre", { $0.units = 1 }),
            ("may hold patient text in descrip", { $0.descrip = "DOE^JANE" }),
        ]
        for (warning, change) in shapes {
            var file = ForgedFile()
            change(&file)
            let warnings = try NIfTIFile.content(of: file.bytes).header.warnings
            #expect(warnings.contains { $0.contains(warning) }, "\(warning): \(warnings)")
        }
    }
}
