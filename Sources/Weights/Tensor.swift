/// A tensor a weight file declares: its name, element type, shape (row-major) and the bytes it occupies.
package struct Tensor: Sendable, Equatable {
    /// 1…1,024 printable ASCII characters, unique in the file.
    package let name: String
    package let type: TensorType
    /// At most eight sizes; none is a scalar.
    package let shape: [Int]
    /// Where its bytes lie in the data section of the file.
    package let range: Range<Int>
    /// Product of the sizes.
    package let elements: Int
}
