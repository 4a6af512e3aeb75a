/// Why a NIfTI file was refused or could not be written: one sentence for a person.
package struct NIfTIError: Error, CustomStringConvertible, Sendable, Equatable {
    /// The rule that was broken, for callers and tests.
    package enum Code: String, Sendable {
        /// There is no such file, or it cannot be opened or read.
        case cannotRead
        /// A directory, a FIFO, a device or a socket.
        case notARegularFile
        /// Neither NIfTI-1 nor NIfTI-2.
        case notNIfTI
        /// A known format that is not read: a `.hdr/.img` pair, `.nia`, Analyze, MGH and others.
        case unsupportedFormat
        /// Sizes along the axes.
        case dimensions
        /// Complex, RGB, unknown voxels, or a width that does not belong to the type.
        case datatype
        /// `vox_offset`.
        case voxelOffset
        /// The chain of header extensions.
        case extensions
        /// Voxel sizes, sform or qform.
        case affine
        /// `scl_slope` and `scl_inter`.
        case scaling
        /// More bytes than the limits allow.
        case tooLarge
        /// Fewer bytes than the header announces.
        case tooShort
        /// More bytes than the header announces.
        case tooLong
        /// The gzip wrapping is damaged.
        case gzip
        /// The machine has too little memory.
        case memory
        /// The file could not be written.
        case cannotWrite
    }

    package var code: Code
    /// The reason, without the file.
    package var message: String
    /// The file it is about, as given by the caller.
    package var file: String?

    package init(_ code: Code, _ message: String, file: String? = nil) {
        self.code = code
        self.message = message
        self.file = file
    }

    package var description: String { file.map { "\($0): \(message)" } ?? message }

    /// The same error about a named file.
    func about(_ file: String) -> NIfTIError { NIfTIError(code, message, file: file) }
}
