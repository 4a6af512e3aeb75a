/// What a checkpoint's pickle can hold. Containers are numbers of the machine's own table, so that no nesting, however
/// deep or circular, is ever followed by the runtime.
enum PickleValue: Sendable, Equatable {
    case none
    case bool(Bool)
    case integer(Int)
    /// A whole number that does not fit, as little-endian two's complement.
    case long([UInt8])
    case double(Double)
    case string(String)
    /// Index of a tuple or list.
    case tuple(Int)
    case list(Int)
    /// Index of a dictionary.
    case dictionary(Int)
    case global(PickleGlobal)
    case storage(PickleStorage)
    case tensor(PickleTensor)
}

/// The names a checkpoint may mention. Nothing is imported or called: each stands for a rule of the machine.
enum PickleGlobal: Sendable, Equatable {
    case orderedDict
    case rebuildTensor
    case rebuildParameter
    case storage(TensorType)

    /// - Returns: nil for every other name, which the machine refuses.
    init?(module: String, name: String) {
        switch (module, name) {
        case ("collections", "OrderedDict"): self = .orderedDict
        case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
        case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
        case ("torch", "FloatStorage"): self = .storage(.float32)
        case ("torch", "HalfStorage"): self = .storage(.float16)
        case ("torch", "BFloat16Storage"): self = .storage(.bfloat16)
        case ("torch", "DoubleStorage"): self = .storage(.float64)
        case ("torch", "LongStorage"): self = .storage(.int64)
        case ("torch", "IntStorage"): self = .storage(.int32)
        case ("torch", "ShortStorage"): self = .storage(.int16)
        case ("torch", "CharStorage"): self = .storage(.int8)
        case ("torch", "ByteStorage"): self = .storage(.uint8)
        case ("torch", "BoolStorage"): self = .storage(.bool)
        default: return nil
        }
    }
}

/// A run of elements elsewhere in the checkpoint.
struct PickleStorage: Sendable, Equatable {
    /// Its name in the checkpoint.
    let key: String
    let type: TensorType
    /// Elements it holds.
    let elements: Int
}

/// A view of a storage; it lies within it.
struct PickleTensor: Sendable, Equatable {
    let storage: PickleStorage
    /// First element.
    let offset: Int
    let shape: [Int]
    /// Elements between neighbours along each axis, not negative.
    let strides: [Int]
    /// Product of the sizes.
    let elements: Int

    /// - Returns: nil when the view does not lie within the storage or its sizes overflow.
    init?(storage: PickleStorage, offset: Int, shape: [Int], strides: [Int]) {
        guard shape.count == strides.count, shape.count <= SafetensorsHeader.Limit.rank, offset >= 0,
            let extent = storage.type.extent(of: shape)
        else { return nil }
        var last = offset
        for (size, stride) in zip(shape, strides) {
            guard stride >= 0 else { return nil }
            let (reach, overflow) = max(size - 1, 0).multipliedReportingOverflow(by: stride)
            let (sum, carry) = last.addingReportingOverflow(reach)
            guard !overflow, !carry else { return nil }
            last = sum
        }
        guard extent.elements == 0 ? offset <= storage.elements : last < storage.elements else { return nil }
        self.storage = storage
        self.offset = offset
        self.shape = shape
        self.strides = strides
        elements = extent.elements
    }

    /// Whether its elements follow one another in row-major order.
    var isContiguous: Bool {
        var expected = 1
        for (size, stride) in zip(shape, strides).reversed() where size != 1 {
            guard stride == expected else { return elements == 0 }
            expected *= size
        }
        return true
    }
}
