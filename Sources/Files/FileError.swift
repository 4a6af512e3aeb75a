import Glibc

/// Why a file could not be written, in one sentence that names it.
package struct FileError: Error, CustomStringConvertible, Sendable {
    package enum Code: Sendable { case diskFull, cannotWrite }
    package let code: Code
    package let description: String

    /// - Parameter number: the system's error number.
    init(_ path: String, number: Int32, size: Int? = nil) {
        if number == ENOSPC || number == EDQUOT || number == EFBIG {
            let need = size.map { " (\($0) bytes are needed)" } ?? ""
            code = .diskFull
            description = "\(path) cannot be written: the disk is full\(need); free space and try again"
        } else {
            code = .cannotWrite
            description =
                "\(path) cannot be written: \(String(cString: strerror(number))); check the path and its permissions"
        }
    }

    init(_ path: String, because reason: String) {
        code = .cannotWrite
        description = "\(path) cannot be written: \(reason); give another path"
    }
}
