import CAggregation
import Weights

/// The L2 norm of a stream of encoded numbers, and whether all are finite: the same bits however the stream is cut and
/// on every machine, for number i is always added to the sum i mod 16.
struct RunningNorm {
    /// A number that is not finite.
    struct Finding {
        /// Its place in the stream.
        let index: Int
        let isNaN: Bool
    }

    private let encoding: UpdateEncoding
    private let level: ca_level
    private var sums = [Double](repeating: 0, count: 16)
    /// Bytes of an unfinished group of sixteen numbers.
    private var rest: [UInt8] = []
    /// Groups added.
    private var groups = 0
    private var groupBytes: Int { 16 * encoding.type.size }

    init(_ encoding: UpdateEncoding, level: ca_level = ca_best_level()) {
        self.encoding = encoding
        self.level = level
        rest.reserveCapacity(64)
    }

    /// Adds bytes.
    /// - Returns: the first number among them that is not finite, as far as they fill groups.
    mutating func add(_ bytes: UnsafeRawBufferPointer) -> Finding? {
        var bytes = bytes
        if !rest.isEmpty {
            let count = min(groupBytes - rest.count, bytes.count)
            rest.append(contentsOf: bytes[..<count])
            bytes = UnsafeRawBufferPointer(rebasing: bytes[count...])
            guard rest.count == groupBytes else { return nil }
            if let finding = addRest() { return finding }
        }
        let whole = bytes.count / groupBytes * groupBytes
        rest.append(contentsOf: bytes[whole...])
        return addGroups(UnsafeRawBufferPointer(rebasing: bytes[..<whole]))
    }

    /// Ends the stream.
    /// - Returns: the norm, and the first number of the last group that is not finite.
    mutating func finish() -> (norm: Double, finding: Finding?) {
        var finding: Finding?
        if !rest.isEmpty {
            // Zeros add nothing.
            rest.append(contentsOf: repeatElement(0, count: groupBytes - rest.count))
            finding = addRest()
        }
        return (sums.reduce(0, +).squareRoot(), finding)
    }

    private mutating func addRest() -> Finding? {
        let bytes = rest
        rest.removeAll(keepingCapacity: true)
        return bytes.withUnsafeBytes { addGroups($0) }
    }

    private mutating func addGroups(_ bytes: UnsafeRawBufferPointer) -> Finding? {
        guard let base = bytes.baseAddress, !bytes.isEmpty else { return nil }
        let largest = ca_squares(level, encoding.kernel, base, bytes.count / groupBytes, &sums)
        defer { groups += bytes.count / groupBytes }
        return largest < 0x7f80_0000 ? nil : firstNotFinite(bytes)
    }

    private func firstNotFinite(_ bytes: UnsafeRawBufferPointer) -> Finding? {
        for i in 0..<(bytes.count / encoding.type.size) {
            let value =
                switch encoding {
                case .f32: Float(bitPattern: bytes.loadUnaligned(fromByteOffset: 4 * i, as: UInt32.self))
                case .bf16: BFloat16.value(of: bytes.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self))
                }
            if !value.isFinite { return Finding(index: 16 * groups + i, isNaN: value.isNaN) }
        }
        return nil
    }
}

extension UpdateEncoding {
    /// What the kernels call it.
    var kernel: ca_encoding {
        switch self {
        case .f32: CA_F32
        case .bf16: CA_BF16
        }
    }
}
