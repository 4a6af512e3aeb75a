/// Reading `.nii` and `.nii.gz`. Which of the two a file is, its first bytes say, not its name.
package enum NIfTIFile {
    /// Most bytes of a gzip file on disk.
    static let maximumCompressedBytes = 2 << 30
    /// Bytes looked at before anything of a file's own size is allocated.
    static let headBytes = 64 << 10
    /// Bytes looked at when those do not reach the first voxel.
    static let longHeadBytes = 4 << 20

    /// Reads and converts a whole scan.
    ///
    /// - Throws: `NIfTIError`, one sentence with the file's name.
    package static func read(_ path: String) throws -> NIfTIImage {
        try open(path).image()
    }

    /// Reads what stands before the voxels; that the voxels are all there is checked only for `.nii`.
    ///
    /// - Throws: `NIfTIError`, one sentence with the file's name.
    package static func readHeader(_ path: String) throws -> NIfTIHeader {
        try named(path) { () throws(NIfTIError) in
            let file = try RegularFile(path)
            return try gate(file).linted()
        }
    }

    /// Reads a whole file, converting nothing. Peak memory: compressed and inflated bytes.
    ///
    /// - Throws: `NIfTIError`, one sentence with the file's name.
    package static func open(_ path: String) throws -> NIfTIContent {
        try named(path) { () throws(NIfTIError) in
            let file = try RegularFile(path)
            let header = try gate(file)
            let stored = try ByteStorage(count: file.size) { target throws(NIfTIError) in try file.read(into: target) }
            return try content(stored, header: header)
        }
    }

    /// What a file with these bytes would be read as: the same path as `open`, without a disk.
    package static func content(of bytes: [UInt8]) throws(NIfTIError) -> NIfTIContent {
        let stored = try ByteStorage(count: bytes.count) { target throws(NIfTIError) in target.copyBytes(from: bytes) }
        let header = try gate(stored.bytes, size: bytes.count)
        return try content(stored, header: header)
    }

    /// Looks at as little of the file as it can.
    private static func gate(_ file: borrowing RegularFile) throws(NIfTIError) -> NIfTIHeader {
        var head = min(file.size, headBytes)
        while true {
            let size = file.size
            let bytes = try ByteStorage(count: head) { target throws(NIfTIError) in try file.read(into: target) }
            do {
                return try gate(bytes.bytes, size: size)
            } catch  where error.code == .tooShort && head < min(size, longHeadBytes) {
                head = min(size, longHeadBytes)
            }
        }
    }

    /// - Parameters:
    ///   - head: the first bytes as stored.
    ///   - size: how many the file has.
    private static func gate(_ head: UnsafeRawBufferPointer, size: Int) throws(NIfTIError) -> NIfTIHeader {
        guard GzipMember.isGzip(head) else {
            let header = try NIfTIGate.header(of: head)
            guard size >= header.fileBytes else {
                throw NIfTIError(
                    .tooShort, "it has \(size) bytes where its header announces \(header.fileBytes); copy it again")
            }
            guard size == header.fileBytes else {
                throw NIfTIError(
                    .tooLong, "it has \(size) bytes where its header announces \(header.fileBytes); check the file")
            }
            return header
        }
        guard size <= maximumCompressedBytes else {
            throw NIfTIError(
                .tooLarge, "it has \(size >> 20) MiB of gzip data, over the limit of 2 GiB; crop the image")
        }
        let first = try GzipPrefix.inflate(head, limit: NIfTIGate.headerBytes)
        let reach = try NIfTIGate.reach(of: first)
        let prefix = reach > first.count ? try GzipPrefix.inflate(head, limit: reach) : first
        let header = try NIfTIGate.header(of: prefix)
        guard header.fileBytes / GzipMember.maximumRatio <= size else {
            throw NIfTIError(
                .tooShort, "its \(size) bytes cannot hold the \(header.fileBytes) its header announces; copy it again")
        }
        return header
    }

    private static func content(_ stored: ByteStorage, header: NIfTIHeader) throws(NIfTIError) -> NIfTIContent {
        guard GzipMember.isGzip(stored.bytes) else {
            // The file may have been replaced since its header was read.
            guard stored.count == header.fileBytes else {
                throw NIfTIError(.cannotRead, "the file changed while it was read; try again")
            }
            return NIfTIContent(header: header.linted(), storage: stored)
        }
        let inflated = try ByteStorage(count: header.fileBytes) { target throws(NIfTIError) in
            try GzipMember.inflate(stored.bytes, into: target)
        }
        return NIfTIContent(header: header.linted(), storage: inflated)
    }

    private static func named<Value>(
        _ path: String, _ body: () throws(NIfTIError) -> Value
    ) throws(NIfTIError) -> Value {
        do {
            return try body()
        } catch {
            let isImage = [".img", ".img.gz"].contains { path.hasSuffix($0) }
            guard error.code == .notNIfTI, isImage else { throw error.about(path) }
            throw NIfTIError(
                .unsupportedFormat,
                "this is the image of a .hdr/.img pair, which is not read; convert the pair to one .nii.gz first",
                file: path)
        }
    }
}
