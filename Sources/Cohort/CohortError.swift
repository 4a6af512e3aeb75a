/// Why a manifest, a case or the cache could not be used.
package struct CohortError: Error, CustomStringConvertible, Sendable, Equatable {
    /// What kind of thing went wrong.
    package enum Code: Sendable, Equatable {
        /// A file or folder cannot be read.
        case unreadable
        /// The text of a manifest is not comma-separated values, or goes beyond a limit.
        case badText
        /// A manifest's columns or rows contradict themselves.
        case badManifest
        /// A label is missing from the task, or the column makes no task.
        case badLabel
        /// A case folder does not say which file is which contrast.
        case badFolder
        /// A case cannot be prepared.
        case badCase
        /// The cache's folder or an entry cannot be used.
        case cache
    }

    package var code: Code
    /// One sentence: what failed, on which file and row, what to do.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
