package import Weights

extension UpdateLayout {
    /// Compares what an update declares with what it must hold.
    /// - Throws: `Problem` naming the first tensor that differs, each kind of difference by a code of its own.
    package func check(_ header: SafetensorsHeader, encoding: UpdateEncoding) throws(Problem) {
        if let key = header.metadata.keys.sorted().first(where: { $0 != "format" })
            ?? (["pt", "np", nil].contains(header.metadata["format"]) ? nil : "format")
        {
            throw Problem(
                .wrongFormat, "The update carries a text beside its numbers, under \(key); leave all texts out.")
        }
        let declared = header.tensors.map(\.name)
        let expected = entries.map(\.name)
        if declared != expected { throw difference(of: declared, from: expected) }
        for (tensor, entry) in zip(header.tensors, entries) {
            guard tensor.type == encoding.type else {
                throw Problem(
                    .wrongType,
                    "The update's tensor \(entry.name) has type \(tensor.type.rawValue), but the plan asks"
                        + " for \(encoding.type.rawValue); write the update in the plan's encoding.")
            }
            guard tensor.shape == entry.shape else {
                throw Problem(
                    .wrongShape,
                    "The update's tensor \(entry.name) has the shape \(tensor.shape), but the base has"
                        + " \(entry.shape); train from the round's base.")
            }
        }
    }

    private func difference(of declared: [String], from expected: [String]) -> Problem {
        let missing = Set(expected).subtracting(declared)
        let extra = Set(declared).subtracting(expected)
        let firstMissing = expected.first(where: missing.contains)
        let firstExtra = declared.first(where: extra.contains)
        switch (firstMissing, firstExtra) {
        case (let missing?, let extra?):
            return Problem(
                .wrongName,
                "The update has a tensor \(extra) that the plan does not train, and lacks \(missing);"
                    + " train from the round's base.")
        case (let missing?, nil):
            return Problem(.missingTensor, "The update lacks the tensor \(missing); train from the round's base.")
        case (nil, let extra?):
            return Problem(
                .extraTensor, "The update has a tensor \(extra) that the plan does not train; leave it out.")
        case (nil, nil):
            let place = zip(declared, expected).first { $0 != $1 }
            return Problem(
                .wrongOrder,
                "The update's tensors are not in the base's order: \(place?.0 ?? "") stands where"
                    + " \(place?.1 ?? "") belongs; write them in the base's order.")
        }
    }
}
