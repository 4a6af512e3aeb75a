/// Walks the extensions between a header and its voxels (NIfTI-1 §"extension").
enum ExtensionChain {
    /// - Parameters:
    ///   - bytes: the file's first bytes, at least `end` of them.
    ///   - start: 352 or 544; the four bytes before say whether extensions follow.
    ///   - end: where the voxels begin.
    static func extensions(
        in bytes: UnsafeRawBufferPointer, from start: Int, to end: Int, isBigEndian: Bool
    ) throws(NIfTIError) -> [NIfTIExtension] {
        guard start >= 4, start < end, end <= bytes.count else { return [] }
        guard bytes[start - 4] != 0 else {
            let padding = Array(bytes[start..<end])
            return padding.allSatisfy { $0 == 0 } ? [] : [NIfTIExtension(code: -1, bytes: padding)]
        }
        let read = FieldReader(bytes: bytes, isBigEndian: isBigEndian)
        var found: [NIfTIExtension] = []
        var position = start
        while position < end {
            // Writers pad the chain with zeros up to a round vox_offset.
            if bytes[position..<end].allSatisfy({ $0 == 0 }) { break }
            let number = found.count + 1
            guard number <= NIfTIGate.maximumExtensions else {
                throw NIfTIError(
                    .extensions, "the header has more than \(NIfTIGate.maximumExtensions) extensions; strip them")
            }
            guard end - position >= 16 else {
                throw NIfTIError(
                    .extensions,
                    "extension \(number) begins \(end - position) bytes before the voxels; strip extensions")
            }
            let size = Int(read.integer(position) as Int32)
            guard size >= 16, size % 16 == 0 else {
                throw NIfTIError(
                    .extensions, "extension \(number) has size \(size), not a positive multiple of 16; strip extensions"
                )
            }
            guard size <= end - position else {
                throw NIfTIError(
                    .extensions, "extension \(number) of \(size) bytes runs into the voxels; strip extensions")
            }
            let content = Array(bytes[(position + 8)..<(position + size)])
            found.append(NIfTIExtension(code: read.integer(position + 4), bytes: content))
            position += size
        }
        return found
    }
}
