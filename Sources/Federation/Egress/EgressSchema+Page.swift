extension EgressSchema {
    /// The tables of docs/egress.md, made from the schema itself.
    package static var page: String {
        EgressKind.allCases.map(section).joined(separator: "\n")
    }

    private static func section(_ kind: EgressKind) -> String {
        var lines = ["### `\(kind.rawValue)`", "", "\(kind.purpose) `\(kind.request)`"]
        if let limit = kind.limit, limit > 0 { lines[2] += ", body at most \(limit) bytes" }
        if kind.isSigned { lines[2] += "; travels as `text`, `signature` (Ed25519) and `signer`" }
        lines[2] += "."
        lines.append("")
        if let fields = fields(of: kind) {
            lines += ["| field | type | says |", "|---|---|---|"]
            lines += rows(fields, under: "")
            lines.append("")
        } else if let words = bytes(of: kind) {
            lines += [words, ""]
        }
        return lines.joined(separator: "\n")
    }

    private static func bytes(of kind: EgressKind) -> String? {
        switch kind {
        case .updateFile:
            "A safetensors file: exactly the tensors of the base model that the plan trains, in the base's order and"
                + " shapes, in the plan's encoding, all finite; no texts beside them except `format`."
        case .probe: "At most 16 MiB of zeros."
        case .fetch, .uploadStatus: "Nothing but the digest or the upload's number in the path."
        default: nil
        }
    }

    private static func rows(_ fields: [EgressField], under path: String) -> [String] {
        fields.flatMap { field -> [String] in
            let name = path + field.name
            let optional = field.isOptional ? ", may be absent" : ""
            let row = "| `\(name)` | \(field.type.words)\(optional) | \(field.meaning) |"
            return switch field.type {
            case .object(let inner): [row] + rows(inner, under: "\(name).")
            case .list(.object(let inner), _): [row] + rows(inner, under: "\(name)[].")
            default: [row]
            }
        }
    }
}
