/// Compares a message's JSON with the schema, field by field.
struct EgressCheck {
    let kind: EgressKind
    let limits: EgressLimits

    func check(_ value: JSONTree, _ type: EgressType, at path: String) throws(EgressViolation) {
        switch (type, value) {
        case (.object(let fields), .object(let members)):
            try check(members, fields, at: path)
        case (.list(let element, let count), .list(let elements)):
            try require(count.contains(elements.count), path, type, "\(elements.count) elements")
            for (index, one) in elements.enumerated() { try check(one, element, at: "\(path)[\(index)]") }
        case (.name, .text(let text)):
            try require(Name.isValid(text), path, type, quoted(text))
        case (.hexadecimal(let digits), .text(let text)):
            let isHexadecimal = text.utf8.allSatisfy { (97...102).contains($0) || (48...57).contains($0) }
            try require(text.utf8.count == digits && isHexadecimal, path, type, quoted(text))
        case (.text(let limit), .text(let text)):
            try require(text.utf8.count <= limit && Self.isPrintable(text), path, type, quoted(text))
        case (.sentence(let limit), .text(let text)):
            let isPlain = Self.isPrintable(text) && !text.contains("/") && !text.contains("\\")
            try require(text.utf8.count <= limit && isPlain, path, type, quoted(text))
        case (.pem(let limit), .text(let text)):
            try require(text.utf8.count <= limit && Self.isPEM(text), path, type, quoted(text))
        case (.integer(let range), .number(let number, let whole)):
            try require(whole.map(range.contains) ?? false, path, type, short(number))
        case (.number(let range), .number(let number, _)):
            try require(range.contains(number), path, type, short(number))
        case (.flag, .flag): break
        case (.choice(let values), .text(let text)):
            try require(values.contains(text), path, type, quoted(text))
        case (.signed(let inner), .object(let members)):
            try checkEnvelope(members, of: inner, at: path)
        default:
            throw EgressViolation(kind, .outOfRange, path, "it is of another type than \(type.words)")
        }
    }

    private func check(
        _ members: [(key: String, value: JSONTree)], _ fields: [EgressField], at path: String
    ) throws(EgressViolation) {
        for member in members where !fields.contains(where: { $0.name == member.key }) {
            throw EgressViolation(
                kind, .unknownField, join(path, String(member.key.prefix(40))), "the schema has no such field")
        }
        for field in fields {
            let value = members.first { $0.key == field.name }?.value
            switch value {
            case .some(.null) where field.isOptional, nil where field.isOptional: continue
            case let value?: try check(value, field.type, at: join(path, field.name))
            case nil: throw EgressViolation(kind, .missingField, join(path, field.name), "it is missing")
            }
        }
    }

    private func checkEnvelope(
        _ members: [(key: String, value: JSONTree)], of inner: EgressKind, at path: String
    ) throws(EgressViolation) {
        try check(members, EgressSchema.envelope(inner), at: path)
        guard case .text(let text)? = members.first(where: { $0.key == "text" })?.value else { return }
        try EgressSchema.check(text, as: inner, limits: limits)
    }

    private func require(
        _ holds: Bool, _ path: String, _ type: EgressType, _ found: String
    ) throws(EgressViolation) {
        guard holds else {
            throw EgressViolation(kind, .outOfRange, path, "it is \(found), but should be \(type.words)")
        }
    }

    private func join(_ path: String, _ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    /// The beginning of a text, fit to be shown.
    private func quoted(_ text: String) -> String {
        "“\(EgressSchema.sentence(text, limit: 40))”"
    }

    private static func isPrintable(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7f...0x9f).contains($0.value) }
    }

    private static func isPEM(_ text: String) -> Bool {
        text.hasPrefix("-----BEGIN ") && text.utf8.allSatisfy { (0x20...0x7e).contains($0) || $0 == 0x0a || $0 == 0x0d }
    }
}
