/// Why a synthetic cohort could not be made: one sentence for a person.
package struct SynthesisError: Error, CustomStringConvertible, Sendable, Equatable {
    /// The rule that was broken, for callers and tests.
    package enum Code: String, Sendable {
        /// An option is out of its range.
        case badSetting
        /// The target folder holds something that is not a synthetic cohort.
        case folderInUse
        /// The disk is too small.
        case diskFull
        /// A file or folder could not be written.
        case cannotWrite
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
