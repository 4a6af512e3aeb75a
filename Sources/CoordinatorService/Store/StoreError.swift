/// Why the coordinator's state cannot be opened, read or written, in one sentence.
package struct StoreError: Error, CustomStringConvertible, Sendable, Equatable {
    package enum Code: Sendable, Equatable {
        /// Another owner has the folder.
        case locked
        /// The file is not a database of ours, or one of a newer program.
        case notOurs
        /// The database or the transcript does not add up.
        case damaged
        case diskFull
        case cannotWrite
        /// What is asked for is not there.
        case missing
    }

    package let code: Code
    package let description: String

    package init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
