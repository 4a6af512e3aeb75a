import Glibc

extension SHA256 {
    /// The digest of a file, read a mebibyte at a time.
    /// - Returns: 64 lower-case hexadecimal digits; nil when the file cannot be opened or read to its end.
    package static func hex(ofFile path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { chunk.deallocate() }
        var hash = SHA256()
        while true {
            let count = read(descriptor, chunk.baseAddress, chunk.count)
            if count == 0 { return hash.finish() }
            if count > 0 {
                hash.update(UnsafeRawBufferPointer(rebasing: chunk[..<count]))
            } else if errno != EINTR {
                return nil
            }
        }
    }
}
