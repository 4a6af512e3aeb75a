/// A scan read from a NIfTI file: its grid, where that grid lies in the scanner, and its scaled values.
package struct NIfTIImage: Sendable {
    /// What the file's header says, after the gate.
    package var header: NIfTIHeader
    /// `dims` product of values, first axis fastest (the file's own order), slope and intercept applied.
    package var voxels: [Float]

    package init(header: NIfTIHeader, voxels: [Float]) {
        self.header = header
        self.voxels = voxels
    }
}
