/// What the header of a safetensors file declares, after every check that needs no tensor byte.
///
/// A strict subset of the format: header at most 16 MiB, at most 10,000 tensors, offsets ascending in the header's own
/// order without hole or overlap, the last ending where the file ends, no duplicate keys.
package struct SafetensorsHeader: Sendable, Equatable {
    /// The limits of a header.
    package enum Limit {
        /// Bytes of the JSON text.
        package static let headerBytes = 16 << 20
        /// Tensors of a file.
        package static let tensors = 10_000
        /// Sizes of a shape.
        package static let rank = 8
        /// Characters of a tensor's name or metadata key.
        package static let nameBytes = 1_024
        /// UTF-8 bytes of a metadata value.
        package static let metadataBytes = 64 << 10
        /// UTF-8 bytes of all metadata keys and values.
        package static let metadataTotalBytes = 1 << 20
    }

    /// Texts under `__metadata__`.
    package let metadata: [String: String]
    /// Tensors in the order of their bytes.
    package let tensors: [Tensor]
    /// Where the data section begins in the file.
    package let dataStart: Int

    /// Reads the length field that begins a file.
    /// - Parameters:
    ///   - bytes: the file's first bytes, eight or more.
    ///   - fileSize: bytes in the file.
    /// - Returns: bytes from the file's start to its data section.
    /// - Throws: `WeightsError` when the file cannot hold such a header or the header is over the limit.
    package static func prefixLength(_ bytes: UnsafeRawBufferPointer, fileSize: Int) throws(WeightsError) -> Int {
        guard bytes.count >= 8, fileSize >= 8 else {
            throw WeightsError(.malformed, "it is too short to be a safetensors file")
        }
        let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(Limit.headerBytes) else {
            throw WeightsError(.limitExceeded, "its header claims \(length) bytes, more than the 16 MiB allowed")
        }
        guard Int(length) <= fileSize - 8 else {
            throw WeightsError(.malformed, "its header claims \(length) bytes, more than the file holds")
        }
        return 8 + Int(length)
    }

    /// Checks a header. Reads nothing but the bytes given and never traps.
    /// - Parameters:
    ///   - bytes: the file's beginning, at least to the data section.
    ///   - fileSize: bytes in the whole file.
    /// - Throws: `WeightsError` naming the first thing wrong.
    package static func parse(
        _ bytes: UnsafeRawBufferPointer, fileSize: Int
    ) throws(WeightsError) -> SafetensorsHeader {
        let dataStart = try prefixLength(bytes, fileSize: fileSize)
        guard bytes.count >= dataStart else {
            throw WeightsError(.malformed, "its header is cut short")
        }
        var reader = SafetensorsHeaderReader(UnsafeRawBufferPointer(rebasing: bytes[8..<dataStart]))
        let (metadata, tensors) = try reader.read()
        let end = tensors.last?.range.upperBound ?? 0
        guard end == fileSize - dataStart else {
            throw WeightsError(
                .malformed, "its header describes \(end) bytes of data but \(fileSize - dataStart) are there")
        }
        return SafetensorsHeader(metadata: metadata, tensors: tensors, dataStart: dataStart)
    }

    /// Checks a header given as an array.
    package static func parse(_ bytes: [UInt8], fileSize: Int) throws(WeightsError) -> SafetensorsHeader {
        try bytes.withUnsafeBufferPointer { (buffer) throws(WeightsError) in
            try parse(UnsafeRawBufferPointer(buffer), fileSize: fileSize)
        }
    }

    /// `prefixLength` of an array.
    static func prefixLength(_ bytes: [UInt8], fileSize: Int) throws(WeightsError) -> Int {
        try bytes.withUnsafeBufferPointer { (buffer) throws(WeightsError) in
            try prefixLength(UnsafeRawBufferPointer(buffer), fileSize: fileSize)
        }
    }
}
