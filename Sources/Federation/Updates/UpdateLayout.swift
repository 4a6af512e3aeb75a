package import Weights

/// The tensors an update must hold: those of the base that the plan trains, in the base's order.
package struct UpdateLayout: Sendable, Equatable {
    /// A tensor of an update.
    package struct Entry: Sendable, Equatable {
        package let name: String
        package let shape: [Int]
        package let elements: Int
    }

    package let entries: [Entry]
    /// Numbers of all tensors together.
    package let elements: Int

    /// - Parameters:
    ///   - base: the header of the round's base model.
    ///   - freezing: patterns of what is not trained.
    /// - Throws: `Problem` `.unsupported` when nothing is trained or a trained tensor is not F32.
    package init(base: SafetensorsHeader, freezing: FreezePatterns = FreezePatterns()) throws(Problem) {
        var entries: [Entry] = []
        var elements = 0
        for tensor in base.tensors where freezing.trains(tensor.name) {
            guard tensor.type == .float32 else {
                throw Problem(
                    .unsupported,
                    "The base model's tensor \(tensor.name) is \(tensor.type.rawValue), but only F32"
                        + " can be trained in a study; convert the model or freeze the tensor in the plan.")
            }
            entries.append(Entry(name: tensor.name, shape: tensor.shape, elements: tensor.elements))
            elements += tensor.elements
        }
        guard elements > 0 else {
            throw Problem(
                .unsupported, "The plan freezes every parameter of the base model; leave at least the head free.")
        }
        self.entries = entries
        self.elements = elements
    }

    /// What an update of a plan's round holds.
    package init(base: SafetensorsHeader, plan: StudyPlan) throws(Problem) {
        try self.init(base: base, freezing: FreezePatterns(plan))
    }

    /// The tensor that holds a number of the whole update, and the number's place in it.
    func place(of index: Int) -> (tensor: String, element: Int) {
        var left = index
        for entry in entries {
            if left < entry.elements { return (entry.name, left) }
            left -= entry.elements
        }
        return ("", left)
    }

    /// Bytes of the numbers of an update.
    package func dataBytes(_ encoding: UpdateEncoding) -> Int { elements * encoding.type.size }

    /// The most bytes the beginning of an update may take, up to its numbers: what is held of it in memory.
    package var prefixLimit: Int {
        entries.reduce(64 << 10) { $0 + 6 * $1.name.utf8.count + 256 }
    }

    /// The most bytes of any update, whatever is wrong with it; what is announced above it is refused before a byte is
    /// sent. An update in too wide an encoding is below it, so that its header can say what is wrong.
    package var fileLimit: Int { prefixLimit + elements * TensorType.float64.size }
}

extension UpdateEncoding {
    /// How numbers of this encoding are called in a weight file.
    package var type: TensorType {
        switch self {
        case .f32: .float32
        case .bf16: .bfloat16
        }
    }
}
