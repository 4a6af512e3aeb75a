/// Why weights could not be read, written or imported.
package struct WeightsError: Error, CustomStringConvertible, Sendable, Equatable {
    /// The kind of failure, for callers that react to it.
    package enum Code: Sendable, Equatable {
        /// The file cannot be opened or is not a regular file.
        case cannotOpen
        /// The system failed to read bytes that should be there.
        case cannotRead
        /// The system failed to write, or the target cannot be created.
        case cannotWrite
        /// The target's disk has no room.
        case diskFull
        /// The bytes are not what the format demands.
        case malformed
        /// A stated limit of the format is exceeded.
        case limitExceeded
        /// The file asks for something that is refused on purpose, such as running code.
        case refused
        /// No tensor of that name.
        case missingTensor
        /// A tensor's type or shape does not fit its use.
        case mismatch
        /// A value is infinite or not a number.
        case notFinite
    }

    /// The kind of failure.
    package let code: Code
    /// One sentence: what failed, on which file, what to do.
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }

    /// The same failure, said about a file.
    func about(_ subject: String) -> WeightsError {
        WeightsError(code, "\(subject): \(message)")
    }
}
