/// Why a fit or a prediction could not be made, in one sentence.
package struct TrainingError: Error, CustomStringConvertible, Sendable, Equatable {
    package enum Code: Sendable, Equatable {
        /// An option or a combination of options cannot be used.
        case settings
        /// The cohort does not allow it: no cases, one class.
        case data
        /// The machine has less memory than is needed.
        case memory
        /// The loss or a gradient is infinite or not a number.
        case notFinite
        /// What lies in the output folder belongs to another fit, or is damaged.
        case checkpoint
        /// A file cannot be written.
        case cannotWrite
    }

    package let code: Code
    package let description: String

    package init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
