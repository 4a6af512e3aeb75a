/// The facts of a NIfTI-1 or NIfTI-2 header that passed the gate.
package struct NIfTIHeader: Sendable, Equatable {
    /// Which of the header's two maps from voxels to millimetres was used.
    package enum AffineSource: String, Sendable, Codable {
        /// The general map, METHOD 3 of the standard.
        case sform
        /// Rotation, voxel sizes and offset, METHOD 2.
        case qform
        /// Neither is set: voxel sizes only, METHOD 1; left and right are unknown.
        case none
    }

    /// 1 or 2.
    package var version: Int
    /// Sizes along the axes, 1…2048 each: three, or four when the file holds several volumes.
    package var dims: [Int]
    /// Voxel sizes in millimetres along the first three axes, from the affine.
    package var spacing: [Double]
    /// Voxel indices to millimetres, RAS+.
    package var affine: Affine
    /// Where `affine` comes from.
    package var affineSource: AffineSource = .sform
    /// How a voxel is stored.
    package var datatype: NIfTIDatatype = .float32
    /// True when numbers are stored with the most significant byte first.
    package var isBigEndian = false
    /// Where the first voxel lies in the inflated file, in bytes.
    package var voxelOffset = 352
    /// Value = stored × `slope` + `intercept`. 1 and 0 when the header asks for no scaling.
    package var slope = 1.0
    /// See `slope`.
    package var intercept = 0.0
    /// Free text, 80 bytes; text after a NUL is kept, the NULs turned to spaces.
    package var descrip = ""
    /// Name of an auxiliary file, 24 bytes.
    package var auxFile = ""
    /// NIfTI-1 only: an unused field of Analyze, 18 bytes.
    package var dbName = ""
    /// Name of the intent, 16 bytes.
    package var intentName = ""
    /// What lies between header and voxels.
    package var extensions: [NIfTIExtension] = []
    /// Sentences about what is unusual and was accepted.
    package var warnings: [String] = []

    package init(version: Int, dims: [Int], spacing: [Double], affine: Affine) {
        self.version = version
        self.dims = dims
        self.spacing = spacing
        self.affine = affine
    }

    /// Voxels in all volumes; the gate keeps it at 2^29 or below.
    package var voxelCount: Int { dims.reduce(1, *) }

    /// Bytes the whole inflated file has: header, extensions and voxels.
    package var fileBytes: Int { voxelOffset + voxelCount * datatype.bytes }

    /// True when stored values differ from values.
    package var isScaled: Bool { slope != 1 || intercept != 0 }
}

/// One entry of the header's chain of extensions.
package struct NIfTIExtension: Sendable, Equatable {
    /// Who wrote it: 2 DICOM, 4 AFNI, 6 comment; -1 for bytes that stand before the voxels without being an extension.
    package var code: Int32
    /// Its content.
    package var bytes: [UInt8]

    package init(code: Int32, bytes: [UInt8]) {
        self.code = code
        self.bytes = bytes
    }

    /// The readable parts of the content, joined by spaces.
    package var text: String { String(headerText: bytes) }
}
