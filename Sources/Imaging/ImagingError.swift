/// Why a case could not be prepared or a picture not be drawn, as one sentence for a person.
package struct ImagingError: Error, CustomStringConvertible, Sendable, Equatable {
    /// What kind of thing went wrong, for programs.
    package enum Code: String, Sendable, Equatable {
        /// The case names no usable contrast.
        case noContrast
        /// A file given as one contrast holds several volumes, or a 4D file does not hold exactly four.
        case wrongVolumes
        /// Voxels are NaN or infinite.
        case nonFinite
        /// Contrasts, or a mask, do not lie in the same place.
        case noOverlap
        /// Skull, scalp or air noise is still in the picture.
        case notBrainExtracted
        /// No voxel differs from the background, or a mask is empty.
        case noBrain
        /// A setting of the recipe, or a size, is out of range.
        case badSetting
        /// A picture could not be written.
        case notWritten
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
