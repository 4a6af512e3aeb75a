/// A PyTorch checkpoint open for reading: the tensors it holds and where their bytes are.
///
/// Both containers are read: the ZIP of PyTorch 1.6 and later, and the row of pickles before it.
struct Checkpoint {
    /// A storage's place in the file.
    struct Place: Sendable {
        let range: Range<Int>
        /// The checksum the container keeps, if it keeps one.
        let crc: UInt32?
    }

    let file: ReadableFile
    /// Tensors under the names of their own dictionaries, in the order of the checkpoint.
    let tensors: [(name: String, tensor: PickleTensor)]
    /// Places of the storages the tensors use.
    let places: [String: Place]

    /// - Throws: `WeightsError` naming the offset or the global that is refused.
    init(_ file: ReadableFile) throws(WeightsError) {
        self.file = file
        let magic = try file.bytes(0..<min(4, file.size))
        let content: CheckpointContent
        if magic == [0x50, 0x4b, 0x03, 0x04] {
            content = try CheckpointContent(zip: file)
        } else if magic.first == 0x80 {
            content = try CheckpointContent(legacy: file)
        } else {
            throw WeightsError(.malformed, "it is neither a PyTorch ZIP file nor a pickle")
        }
        places = content.places
        tensors = content.tensors
        // Views that overlap or repeat elements could make a small file ask for a large one.
        var total = 0
        for (name, tensor) in tensors {
            let (sum, overflow) = total.addingReportingOverflow(tensor.elements * tensor.storage.type.size)
            guard !overflow, sum <= max(64 << 20, 8 * file.size) else {
                throw WeightsError(
                    .limitExceeded, "its tensors, up to \(printable(name)), are far larger than the file")
            }
            total = sum
        }
    }

    /// Checks every storage used against the container's checksum.
    func verifyChecksums() throws(WeightsError) {
        for (key, place) in places.sorted(by: { $0.value.range.lowerBound < $1.value.range.lowerBound }) {
            guard let expected = place.crc else { continue }
            var crc = CRC32()
            try file.forEachChunk(place.range) { (bytes) throws(WeightsError) in crc.update(bytes) }
            guard crc.value == expected else {
                throw WeightsError(
                    .malformed, "its storage “\(printable(key))” at offset \(place.range.lowerBound) is damaged")
            }
        }
    }

    /// Hands over a tensor's elements in row-major order, chunk by chunk.
    func forEachChunk(
        of tensor: PickleTensor, _ body: (UnsafeRawBufferPointer) throws(WeightsError) -> Void
    ) throws(WeightsError) {
        guard tensor.elements > 0, let place = places[tensor.storage.key] else { return }
        let size = tensor.storage.type.size
        if tensor.isContiguous {
            let start = place.range.lowerBound + tensor.offset * size
            try file.forEachChunk(start..<(start + tensor.elements * size), body)
        } else {
            try gather(tensor, place, body)
        }
    }

    private func gather(
        _ tensor: PickleTensor, _ place: Place, _ body: (UnsafeRawBufferPointer) throws(WeightsError) -> Void
    ) throws(WeightsError) {
        let size = tensor.storage.type.size
        do {
            try file.withMapped(place.range) { source in
                let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
                defer { chunk.deallocate() }
                var walk = StridedWalk(tensor)
                while true {
                    var filled = 0
                    while filled < chunk.count, let element = walk.next() {
                        chunk.baseAddress.map { base in
                            for i in 0..<size {
                                base.storeBytes(
                                    of: source[element * size + i], toByteOffset: filled + i, as: UInt8.self)
                            }
                        }
                        filled += size
                    }
                    guard filled > 0 else { break }
                    try body(UnsafeRawBufferPointer(rebasing: chunk[..<filled]))
                }
            }
        } catch let error as WeightsError {
            throw error
        } catch {
            throw WeightsError(.cannotRead, "\(error)")
        }
    }
}

/// The element positions of a strided view, in row-major order.
struct StridedWalk {
    private let shape: [Int]
    private let strides: [Int]
    private var index: [Int]
    private var position: Int
    private var left: Int

    init(_ tensor: PickleTensor) {
        shape = tensor.shape
        strides = tensor.strides
        index = tensor.shape.map { _ in 0 }
        position = tensor.offset
        left = tensor.elements
    }

    /// The next element of the storage, nil at the end.
    mutating func next() -> Int? {
        guard left > 0 else { return nil }
        left -= 1
        let current = position
        var axis = shape.count - 1
        while axis >= 0 {
            index[axis] += 1
            position += strides[axis]
            if index[axis] < shape[axis] { break }
            position -= index[axis] * strides[axis]
            index[axis] = 0
            axis -= 1
        }
        return current
    }
}
