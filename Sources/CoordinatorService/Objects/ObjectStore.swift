import Cryptography
package import Federation
import Files
import Glibc

/// Files known by the SHA-256 of their bytes: models and updates, at `objects/aa/<sha256>`.
///
/// A file gets its name only when its bytes are durable, and its row in the database only when its name is; a file
/// without a row is a crash's leftover and a row without a file is damage.
package struct ObjectStore: Sendable {
    package let folder: StateFolder

    package init(_ folder: StateFolder) { self.folder = folder }

    /// Where an object lies, or would lie.
    package func path(of digest: String) -> String { "\(folder.objects)/\(digest.prefix(2))/\(digest)" }

    /// A path for a file to be made, on the same file system as the objects.
    /// - Parameter name: such as `study.3.1.fold`; the same work writes the same file, so that retries leave one.
    package func temporary(_ name: String) -> String { "\(folder.making)/\(name)" }

    /// Bytes of an object's file; nil when there is none.
    package func size(of digest: String) -> Int? {
        var status = stat()
        guard stat(path(of: digest), &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int(status.st_size)
    }

    /// Whether the object's file is there with the right size.
    package func holds(_ reference: ObjectReference) -> Bool { size(of: reference.digest) == reference.bytes }

    /// Makes a finished file an object: its bytes durable first, then its name. The file keeps its first name too, until
    /// the object's row is there: a crash in between loses no bytes.
    ///
    /// The digest is believed: whoever wrote the file has computed it over the bytes as they passed.
    package func adopt(_ file: String, as reference: ObjectReference) throws(StoreError) {
        let descriptor = open(file, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw failure(file) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, Int(status.st_size) == reference.bytes else {
            throw StoreError(
                .damaged, "\(file) has \(status.st_size) bytes instead of \(reference.bytes); it is not kept")
        }
        guard fsync(descriptor) == 0 else {
            // What a failed fsync left in the page cache cannot be trusted: the file is not to be used again.
            let problem = failure(file)
            unlink(file)
            throw problem
        }
        let target = path(of: reference.digest)
        let shelf = DiskSpace.folder(of: target)
        if mkdir(shelf, 0o700) == 0 {
            DurableFile.synchronise(folder: folder.objects)
        } else if errno != EEXIST {
            throw failure(shelf)
        }
        guard link(file, target) == 0 || (errno == EEXIST && holds(reference)) else { throw failure(target) }
        DurableFile.synchronise(folder: shelf)
    }

    /// Makes any file an object, leaving it where it is: it is copied and hashed.
    /// - Returns: what it is known by.
    package func take(copyOf file: String) throws(StoreError) -> ObjectReference {
        let source = open(file, O_RDONLY | O_CLOEXEC)
        guard source >= 0 else { throw failure(file, doing: "read") }
        defer { close(source) }
        var status = stat()
        guard fstat(source, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw StoreError(.missing, "\(file) is not a regular file; give the path of a model")
        }
        let making = temporary("import.\(getpid()).\(status.st_ino)")
        let target = open(making, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard target >= 0 else { throw failure(making) }
        defer { close(target) }
        defer { unlink(making) }
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { piece.deallocate() }
        var hash = SHA256()
        var bytes = 0
        while true {
            let count = read(source, piece.baseAddress, piece.count)
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw failure(file, doing: "read")
            }
            let part = UnsafeRawBufferPointer(rebasing: piece[..<count])
            hash.update(part)
            guard Self.writeAll(part, to: target, at: bytes) else { throw failure(making) }
            bytes += count
        }
        let reference = ObjectReference(digest: hash.finish(), bytes: bytes)
        try adopt(making, as: reference)
        return reference
    }

    /// Writes bytes to a file to be made an object.
    func write(_ bytes: [UInt8]) throws -> (path: String, reference: ObjectReference) {
        let digest = bytes.withUnsafeBytes { SHA256.hex(of: $0) }
        // Named by what is in it: two who write the same at once do each other no harm.
        let path = temporary(digest)
        try DurableFile.write(bytes, to: path)
        return (path, ObjectReference(digest: digest, bytes: bytes.count))
    }

    /// Removes a file's first name once it is an object, or is not wanted.
    func removeTemporary(_ path: String) { unlink(path) }

    /// Removes an object's file; nothing happens when there is none.
    package func remove(_ digest: String) { unlink(path(of: digest)) }

    /// The digests of all files there are.
    package func files() -> Set<String> {
        var found: Set<String> = []
        for shelf in Self.names(in: folder.objects) where shelf.utf8.count == 2 {
            found.formUnion(Self.names(in: folder.objects + "/" + shelf).filter(Name.isDigest))
        }
        return found
    }

    /// Removes everything in a folder of temporary files, but those to be kept.
    static func clear(_ folder: String, keeping: Set<String> = []) {
        for name in names(in: folder) where !keeping.contains(name) { unlink(folder + "/" + name) }
    }

    static func names(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Writes bytes at a place of a file.
    static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int) -> Bool {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
            if count >= 0 {
                done += count
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }

    private func failure(_ path: String, doing: String = "written") -> StoreError {
        let number = errno
        if number == ENOSPC || number == EDQUOT {
            return StoreError(.diskFull, "\(path) cannot be written: the disk is full; free space and try again")
        }
        return StoreError(
            .cannotWrite, "\(path) cannot be \(doing): \(String(cString: strerror(number))); check the disk")
    }
}
