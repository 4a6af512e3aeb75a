import Weights

/// Why updates could not be folded, in one sentence.
package struct FoldError: Error, CustomStringConvertible, Sendable, Equatable {
    package enum Code: Sendable, Equatable {
        /// Files that do not belong together.
        case mismatch
        /// The model would hold a value that is not finite.
        case notFinite
        case cannotRead, cannotWrite, diskFull
    }

    package let code: Code
    package let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    init(_ error: WeightsError) {
        let code: Code =
            switch error.code {
            case .diskFull: .diskFull
            case .cannotWrite: .cannotWrite
            case .notFinite: .notFinite
            case .cannotOpen, .cannotRead: .cannotRead
            default: .mismatch
            }
        self.init(code, error.message)
    }
}
