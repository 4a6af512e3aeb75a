import Files
import Foundation
import Glibc

/// Copies of single files into a folder that must be new or empty.
enum FolderCopy {
    /// Makes a folder for the owner only, or takes an empty one.
    static func prepare(_ path: String) throws(OperatorError) {
        if let names = try? FileManager.default.contentsOfDirectory(atPath: path) {
            guard names.isEmpty else { throw OperatorError("\(path) is not empty; give a new or an empty folder") }
        }
        guard mkdir(path, 0o700) == 0 || errno == EEXIST, chmod(path, 0o700) == 0 else {
            throw OperatorError("\(path) cannot be made: \(String(cString: strerror(errno))); check the path")
        }
    }

    /// Another name for a file's bytes where the file system allows, otherwise a durable copy of them.
    ///
    /// For files that never change once they have their name.
    static func place(_ source: String, at target: String) throws {
        if link(source, target) == 0 { return }
        guard errno == EXDEV || errno == EPERM || errno == EMLINK || errno == EOPNOTSUPP else {
            throw OperatorError("\(source) cannot be copied to \(target): \(String(cString: strerror(errno)))")
        }
        try copy(source, to: target)
    }

    /// A durable copy, for the owner only.
    static func copy(_ source: String, to target: String) throws {
        let descriptor = open(source, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            throw OperatorError("\(source) cannot be read: \(String(cString: strerror(errno))); check its permissions")
        }
        defer { close(descriptor) }
        let file = try DurableFile(target, size: max(0, Int(lseek(descriptor, 0, SEEK_END))))
        lseek(descriptor, 0, SEEK_SET)
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(descriptor, &piece, piece.count)
            if count == 0 { break }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw OperatorError("\(source) cannot be read: \(String(cString: strerror(errno))); check the disk")
            }
            try piece.withUnsafeBytes { try file.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
        try file.commit()
    }
}
