import Yams

/// A plan's text before anything is made of it.
enum PlanText {
    /// Bytes of the longest plan.
    static let mostBytes = 64 << 10
    static let longestLine = 1000
    static let mostBrackets = 512

    /// The YAML document.
    ///
    /// The text comes from another house when an agent reads it, so it is bounded before it is parsed: the parser
    /// calls itself for every level, and aliases can stand for more than any memory holds.
    static func compose(_ text: String) throws(PlanError) -> Node {
        try check(text)
        do {
            guard let node = try Yams.compose(yaml: text) else { throw PlanError("the plan is empty") }
            return node
        } catch let error as PlanError {
            throw error
        } catch { throw Self.told(error) }
    }

    private static func check(_ text: String) throws(PlanError) {
        guard text.utf8.count <= mostBytes else {
            throw PlanError("the plan has \(text.utf8.count) bytes: shorten it to \(mostBytes)")
        }
        var brackets = 0
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            guard line.utf8.count <= longestLine else {
                throw PlanError(line: index + 1, "the line has more than \(longestLine) bytes: break it with `>`")
            }
            brackets += line.utf8.count { $0 == UInt8(ascii: "[") || $0 == UInt8(ascii: "{") }
            guard brackets <= mostBrackets else {
                throw PlanError(line: index + 1, "the plan has more than \(mostBrackets) opening brackets")
            }
            var before = UInt8(ascii: " ")
            for byte in line.utf8 {
                if byte == UInt8(ascii: "#"), before == UInt8(ascii: " ") { break }
                if byte == UInt8(ascii: "*") || byte == UInt8(ascii: "&"), " [{,?:-\t".utf8.contains(before) {
                    throw PlanError(
                        line: index + 1, "a text that begins with & or * is not allowed here: write it otherwise")
                }
                before = byte
            }
        }
    }

    private static func told(_ error: any Error) -> PlanError {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            PlanError(line: mark.line, "this is not YAML: \(problem)")
        case .duplicatedKeysInMapping(let keys, let context):
            PlanError(line: context.mark.line, "`\((keys.first ?? "").prefix(80))` is given twice")
        case .reader(let problem, _, _, _): PlanError("the plan is not text in UTF-8: \(problem)")
        default: PlanError("the plan is not YAML")
        }
    }
}
