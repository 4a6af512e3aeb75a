/// A safetensors file open for reading, its header checked.
///
/// ```swift
/// let file = try SafetensorsFile("weights.safetensors")
/// for tensor in file.tensors { print(tensor.name, tensor.shape) }
/// try file.read("norm.weight", into: floats)
/// ```
package final class SafetensorsFile: Sendable {
    /// What the header declares.
    package let header: SafetensorsHeader
    private let file: ReadableFile
    private let index: [String: Int]

    /// Bytes converted at a time when the file's type is not `Float`.
    private static let chunkBytes = 1 << 20

    /// Opens a file and checks its header.
    /// - Throws: `WeightsError` naming the file and the first thing wrong with it.
    package init(_ path: String) throws(WeightsError) {
        file = try ReadableFile(path)
        do throws(WeightsError) {
            let length = try SafetensorsHeader.prefixLength(try file.bytes(0..<min(8, file.size)), fileSize: file.size)
            header = try SafetensorsHeader.parse(try file.bytes(0..<length), fileSize: file.size)
        } catch {
            throw error.about("\(path) is not a usable safetensors file")
        }
        index = Dictionary(uniqueKeysWithValues: header.tensors.enumerated().map { ($1.name, $0) })
    }

    /// The path it was opened at.
    package var path: String { file.path }
    /// Texts the writer left in the file.
    package var metadata: [String: String] { header.metadata }
    /// Tensors in the order of their bytes.
    package var tensors: [Tensor] { header.tensors }

    /// The tensor of a name, nil if the file has none.
    package func tensor(_ name: String) -> Tensor? {
        index[name].map { header.tensors[$0] }
    }

    /// Hands over a tensor's bytes as mapped memory, valid during the call. Every page touched counts as resident.
    /// - Throws: `WeightsError` `.missingTensor`, or what `body` throws.
    package func withMapped<R>(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
        try file.withMapped(fileRange(try require(name)), body)
    }

    /// Reads elements as `Float` without mapping the file, a chunk at a time.
    /// - Parameters:
    ///   - name: a tensor of type F32, BF16, F16 or F64 (rounded to nearest).
    ///   - buffer: filled entirely.
    ///   - offset: the first element to read.
    /// - Throws: `WeightsError` when the tensor is missing, of another type, shorter, or holds a value not finite.
    package func read(
        _ name: String, into buffer: UnsafeMutableBufferPointer<Float>, offset: Int = 0
    ) throws(WeightsError) {
        let tensor = try require(name)
        guard tensor.type.isFloatingPoint else {
            throw WeightsError(
                .mismatch, "\(path): the tensor \(name) has type \(tensor.type.rawValue), not floating-point numbers")
        }
        guard offset >= 0, offset <= tensor.elements, buffer.count <= tensor.elements - offset else {
            throw WeightsError(
                .mismatch, "\(path): the tensor \(name) has \(tensor.elements) elements, fewer than asked for")
        }
        let start = header.dataStart + tensor.range.lowerBound + offset * tensor.type.size
        if tensor.type == .float32 {
            try file.read(into: UnsafeMutableRawBufferPointer(buffer), at: start)
        } else {
            try readConverting(tensor.type, into: buffer, at: start)
        }
        guard allFinite(UnsafeBufferPointer(buffer)) else { throw notFinite(tensor) }
    }

    /// Reads elements in their own type without mapping the file.
    /// - Parameters:
    ///   - buffer: filled entirely.
    ///   - offset: the first byte of the tensor to read.
    /// - Throws: `WeightsError` when the tensor is missing or shorter.
    package func readBytes(
        _ name: String, into buffer: UnsafeMutableRawBufferPointer, offset: Int = 0
    ) throws(WeightsError) {
        let tensor = try require(name)
        guard offset >= 0, offset <= tensor.range.count, buffer.count <= tensor.range.count - offset else {
            throw WeightsError(
                .mismatch, "\(path): the tensor \(name) has \(tensor.range.count) bytes, fewer than asked for")
        }
        try file.read(into: buffer, at: header.dataStart + tensor.range.lowerBound + offset)
    }

    /// All elements as `Float`.
    /// - Throws: as `read(_:into:offset:)`.
    package func floats(_ name: String) throws(WeightsError) -> [Float] {
        var values = [Float](repeating: 0, count: try require(name).elements)
        try values.withUnsafeMutableBufferPointer { (buffer) throws(WeightsError) in try read(name, into: buffer) }
        return values
    }

    /// Reads every floating-point tensor once and refuses the file if a value is infinite or not a number.
    package func requireFinite() throws(WeightsError) {
        let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: Self.chunkBytes / 4)
        defer { buffer.deallocate() }
        for tensor in tensors where tensor.type.isFloatingPoint {
            var offset = 0
            while offset < tensor.elements {
                let count = min(buffer.count, tensor.elements - offset)
                try read(tensor.name, into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]), offset: offset)
                offset += count
            }
        }
    }

    private func readConverting(
        _ type: TensorType, into buffer: UnsafeMutableBufferPointer<Float>, at start: Int
    ) throws(WeightsError) {
        let perChunk = Self.chunkBytes / type.size
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.chunkBytes, alignment: 64)
        defer { chunk.deallocate() }
        var done = 0
        while done < buffer.count {
            let count = min(perChunk, buffer.count - done)
            let bytes = UnsafeMutableRawBufferPointer(rebasing: chunk[..<(count * type.size)])
            try file.read(into: bytes, at: start + done * type.size)
            widen(
                UnsafeRawBufferPointer(bytes), type,
                into: UnsafeMutableBufferPointer(rebasing: buffer[done..<(done + count)]))
            done += count
        }
    }

    private func require(_ name: String) throws(WeightsError) -> Tensor {
        guard let tensor = tensor(name) else {
            throw WeightsError(.missingTensor, "\(path) has no tensor \(name)")
        }
        return tensor
    }

    private func fileRange(_ tensor: Tensor) -> Range<Int> {
        (header.dataStart + tensor.range.lowerBound)..<(header.dataStart + tensor.range.upperBound)
    }

    private func notFinite(_ tensor: Tensor) -> WeightsError {
        WeightsError(
            .notFinite,
            "\(path): the tensor \(tensor.name) holds a value that is infinite or not a number; use weights that are finite"
        )
    }
}
