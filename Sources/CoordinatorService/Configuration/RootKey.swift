import Files
import Foundation
import Glibc
import Identity

/// The federation's root key, which daily work does not need.
package struct RootKey: Sendable {
    private let folder: StateFolder

    package init(folder: StateFolder) { self.folder = folder }

    /// Copies the key to a file of its own, readable by its owner alone.
    /// - Parameter remove: whether the key is then overwritten and deleted here.
    /// - Throws: ``OperatorError`` when it was taken away before, or the file exists or cannot be written.
    package func export(to file: String, remove: Bool) throws {
        try folder.check()
        let path = folder.authority("root.key")
        guard access(path, F_OK) == 0 else {
            throw OperatorError("the root key is no longer in \(folder.path); look where you exported it to")
        }
        let key = try SigningKey.load(path)
        guard access(file, F_OK) != 0 else { throw OperatorError("\(file) exists already; give a new file") }
        try DurableFile.write(key.pem.utf8, to: file)
        guard try SigningKey.load(file).spki == key.spki else {
            throw OperatorError("\(file) does not read back as written; nothing was removed, try another disk")
        }
        if remove { try erase(path) }
    }

    /// Overwrites a file before it is deleted. On disks that write elsewhere this cannot be relied upon; the guide says so.
    private func erase(_ path: String) throws(OperatorError) {
        let descriptor = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw OperatorError("\(path) cannot be removed; check its permissions") }
        let zeros = [UInt8](repeating: 0, count: 4096)
        let size = Int(lseek(descriptor, 0, SEEK_END))
        pwrite(descriptor, zeros, min(size, zeros.count), 0)
        fsync(descriptor)
        close(descriptor)
        guard unlink(path) == 0 else { throw OperatorError("\(path) cannot be removed; check its permissions") }
        DurableFile.synchronise(folder: folder.authority)
    }
}
