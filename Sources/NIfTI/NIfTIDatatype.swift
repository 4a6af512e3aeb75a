/// The real voxel types of NIfTI, by their codes in the header.
package enum NIfTIDatatype: Int16, CaseIterable, Sendable, Codable {
    case uint8 = 2
    case int16 = 4
    case int32 = 8
    case float32 = 16
    case float64 = 64
    case int8 = 256
    case uint16 = 512
    case uint32 = 768
    case int64 = 1024
    case uint64 = 1280

    /// Bytes a voxel takes.
    package var bytes: Int {
        switch self {
        case .uint8, .int8: 1
        case .int16, .uint16: 2
        case .int32, .uint32, .float32: 4
        case .int64, .uint64, .float64: 8
        }
    }

    /// The type's usual name, such as `int16`.
    package var name: String { "\(self)" }

    /// True for `float32` and `float64`, the types that can hold NaN.
    package var isFloatingPoint: Bool { self == .float32 || self == .float64 }

    /// The name of a code that the standard knows and this reader refuses, or nil.
    static func refusedName(of code: Int16) -> String? {
        switch code {
        case 1: "one-bit"
        case 32: "complex64"
        case 128: "RGB24"
        case 1536: "float128"
        case 1792: "complex128"
        case 2048: "complex256"
        case 2304: "RGBA32"
        default: nil
        }
    }
}
