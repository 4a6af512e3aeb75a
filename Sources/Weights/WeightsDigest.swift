import Cryptography

/// The digest of a file's tensors: names, types, shapes and bytes, whatever the metadata and the order in the file.
///
/// SHA-256 over the tensors in order of name (by ASCII code), each as `name NUL type NUL sizes-with-commas NUL` and then its
/// bytes.
package enum WeightsDigest {
    /// - Returns: 64 lower-case hexadecimal digits.
    /// - Throws: `WeightsError` when the file cannot be read.
    package static func hex(of file: SafetensorsFile) throws(WeightsError) -> String {
        var hash = SHA256()
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { chunk.deallocate() }
        for tensor in file.tensors.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }) {
            let sizes = tensor.shape.map(String.init).joined(separator: ",")
            hash.update("\(tensor.name)\0\(tensor.type.rawValue)\0\(sizes)\0")
            var offset = 0
            while offset < tensor.range.count {
                let count = min(chunk.count, tensor.range.count - offset)
                let bytes = UnsafeMutableRawBufferPointer(rebasing: chunk[..<count])
                try file.readBytes(tensor.name, into: bytes, offset: offset)
                hash.update(UnsafeRawBufferPointer(bytes))
                offset += count
            }
        }
        return hash.finish()
    }
}
