/// The closed list of what may leave a site. The agent checks every message against it before it is logged and sent; the
/// coordinator checks again and refuses what does not fit.
package enum EgressSchema {
    /// Checks the JSON of a message.
    /// - Parameters:
    ///   - text: the message as it will be sent; of a signed kind the body itself, without its envelope.
    ///   - kind: what it claims to be.
    ///   - limits: least cohorts, as raised by the site.
    /// - Throws: `EgressViolation` naming the first field that does not fit.
    package static func check(
        _ text: String, as kind: EgressKind, limits: EgressLimits = .standard
    ) throws(EgressViolation) {
        guard let fields = fields(of: kind) else {
            throw EgressViolation(kind, .malformed, "", "it carries no JSON")
        }
        try EgressCheck(kind: kind, limits: limits).check(try read(text, kind), .object(fields), at: "")
        try EgressCohort(kind: kind, limits: limits).check(text)
    }

    private static func read(_ text: String, _ kind: EgressKind) throws(EgressViolation) -> JSONTree {
        if let limit = kind.limit, text.utf8.count > limit {
            throw EgressViolation(
                kind, .malformed, "", "it has \(text.utf8.count) bytes, more than the \(limit) allowed")
        }
        do throws(JSONTree.Failure) { return try JSONTree(text) } catch {
            throw EgressViolation(kind, .malformed, "", error.description)
        }
    }

    /// A sentence made fit for a field of type `sentence`: without slashes and control characters, cut to a length.
    package static func sentence(_ text: String, limit: Int = 300) -> String {
        var result = ""
        for character in text {
            let scalars = character.unicodeScalars
            let isPlain = scalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f && $0 != "/" && $0 != "\\" }
            let next = isPlain ? String(character) : " "
            if result.utf8.count + next.utf8.count > limit { break }
            result += next
        }
        return result
    }
}
