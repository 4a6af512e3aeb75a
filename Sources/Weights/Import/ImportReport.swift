/// What an import did, for the person who ran it.
package struct ImportReport: Sendable {
    package let source: String
    package let target: String
    package let licenceReference: String?
    /// SHA-256 of the checkpoint.
    package let sourceDigest: String
    /// SHA-256 of the safetensors file.
    package let targetDigest: String
    /// Tensors written, and their elements.
    package let tensors: Int
    package let elements: Int
    /// Names left out because newer MONAI adds them and no model uses them.
    package let ignored: [String]
    /// LaMIM's names the checkpoint does not hold.
    package let missing: [String]
    /// Names kept that are not LaMIM's.
    package let unexpected: [String]

    /// What every import says: the published weights carry no licence.
    package static let licenceNotice =
        "No licence found for these weights. Obtain written permission before training on or releasing from them"

    /// The lines to print.
    package var lines: [String] {
        var lines = [
            "Imported \(tensors) tensors with \(elements) values from \(source) into \(target)",
            "source sha256 \(sourceDigest)", "result sha256 \(targetDigest)",
        ]
        lines += Self.list("missing", missing) + Self.list("unexpected, kept", unexpected)
        lines += Self.list("ignored, never used by the model", ignored)
        lines.append(Self.licenceNotice)
        if let licenceReference { lines.append("licence reference recorded: \(printable(licenceReference))") }
        return lines
    }

    private static func list(_ title: String, _ names: [String]) -> [String] {
        guard !names.isEmpty else { return [] }
        return ["\(title) (\(names.count)):"] + names.map { "  \($0)" }
    }
}
