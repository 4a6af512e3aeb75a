import Cryptography
import Files

/// Writes a safetensors file from front to back, holding no tensor in memory.
///
/// The same entries, metadata and bytes give the same file. The data section begins at a multiple of 64 bytes. Nothing
/// appears at the path before `finish`.
///
/// ```swift
/// var writer = try SafetensorsWriter("out.safetensors", entries: [.init("w", .float32, [2, 3])])
/// try writer.append(floats)
/// let digest = try writer.finish()
/// ```
package struct SafetensorsWriter: ~Copyable {
    /// A tensor to be written.
    package struct Entry: Sendable, Equatable {
        package let name: String
        package let type: TensorType
        package let shape: [Int]

        /// - Parameters:
        ///   - name: 1…1,024 printable ASCII characters.
        ///   - type: the type on disk.
        ///   - shape: at most eight sizes.
        package init(_ name: String, _ type: TensorType, _ shape: [Int]) {
            self.name = name
            self.type = type
            self.shape = shape
        }
    }

    private let path: String
    private let tensors: [Tensor]
    private let file: DurableFile
    private var hash: SHA256
    private var current = 0
    private var filled = 0

    /// Creates the temporary file and writes the header.
    /// - Parameters:
    ///   - path: where the file appears when it is finished; a file already there is replaced then.
    ///   - entries: tensors in the order in which their elements will be appended.
    ///   - metadata: texts to keep in the file.
    /// - Throws: `WeightsError` when the header would not be readable, or the file cannot be created.
    package init(_ path: String, entries: [Entry], metadata: [String: String] = [:]) throws(WeightsError) {
        let (header, tensors) = try Self.encode(path, entries, metadata)
        let file = try Self.begin(path, header, bytes: header.count + (tensors.last?.range.upperBound ?? 0))
        self.path = path
        self.tensors = tensors
        self.file = file
        hash = SHA256()
        hash.update(header)
        skipEmpty()
    }

    private static func begin(_ path: String, _ header: [UInt8], bytes: Int) throws(WeightsError) -> DurableFile {
        do throws(FileError) {
            let file = try DurableFile(path, size: bytes)
            try file.append(header)
            return file
        } catch { throw WeightsError(error) }
    }

    /// Appends elements in their type on disk. Pieces need not end where a tensor ends.
    package mutating func append(_ bytes: UnsafeRawBufferPointer) throws(WeightsError) {
        var rest = bytes.count
        while rest > 0 {
            guard current < tensors.count else { throw tooMany() }
            let count = min(rest, tensors[current].range.count - filled)
            advance(count)
            rest -= count
        }
        hash.update(bytes)
        do throws(FileError) { try file.append(bytes) } catch { throw WeightsError(error) }
    }

    /// Appends numbers of the tensor being written, rounded to its type. A call stays within one tensor.
    package mutating func append(_ values: UnsafeBufferPointer<Float>) throws(WeightsError) {
        guard !values.isEmpty else { return }
        guard current < tensors.count else { throw tooMany() }
        let type = tensors[current].type
        guard type.isFloatingPoint, values.count * type.size <= tensors[current].range.count - filled else {
            throw WeightsError(
                .mismatch, "\(path): the numbers given do not fit the tensor \(tensors[current].name) being written")
        }
        if type == .float32 { return try append(UnsafeRawBufferPointer(values)) }
        let chunk = UnsafeMutableRawBufferPointer.allocate(
            byteCount: min(values.count, 1 << 17) * type.size, alignment: 64)
        defer { chunk.deallocate() }
        var done = 0
        while done < values.count {
            let count = min(1 << 17, values.count - done)
            let bytes = UnsafeMutableRawBufferPointer(rebasing: chunk[..<(count * type.size)])
            narrow(UnsafeBufferPointer(rebasing: values[done..<(done + count)]), type, into: bytes)
            try append(UnsafeRawBufferPointer(bytes))
            done += count
        }
    }

    /// Appends numbers of the tensor being written, rounded to its type.
    package mutating func append(_ values: [Float]) throws(WeightsError) {
        try values.withUnsafeBufferPointer { (buffer) throws(WeightsError) in try append(buffer) }
    }

    /// Makes the file durable and puts it in place.
    /// - Returns: the SHA-256 of the file, 64 hexadecimal digits.
    /// - Throws: `WeightsError` when tensors are incomplete or the system fails; the target is then as it was.
    package consuming func finish() throws(WeightsError) -> String {
        guard current == tensors.count else {
            throw WeightsError(.mismatch, "\(path): the tensor \(tensors[current].name) was not written completely")
        }
        do throws(FileError) { try file.commit() } catch { throw WeightsError(error) }
        return hash.finish()
    }

    private mutating func advance(_ count: Int) {
        filled += count
        guard filled == tensors[current].range.count else { return }
        current += 1
        filled = 0
        skipEmpty()
    }

    private mutating func skipEmpty() {
        while current < tensors.count, tensors[current].range.isEmpty { current += 1 }
    }

    private func tooMany() -> WeightsError {
        WeightsError(.mismatch, "\(path): more bytes were given than the tensors declared hold")
    }
}
