import Imaging

/// Which contrast a scan is, by the words of its file's name.
enum ScanName {
    /// What a scan is weighted by, whatever was injected before.
    private enum Weighting { case t1, t2, flair }

    private static let weightings: [String: Weighting] = [
        "t1": .t1, "t1w": .t1, "t1n": .t1, "t1pre": .t1, "t1c": .t1, "t1ce": .t1, "t1gd": .t1, "t1post": .t1,
        "t2": .t2, "t2w": .t2,
        "t2f": .flair, "flair": .flair, "fla": .flair, "t2flair": .flair,
    ]
    /// Words of a T1-weighted scan after gadolinium; the first four say both.
    private static let agentWords: Set<String> = [
        "t1c", "t1ce", "t1gd", "t1post", "ce", "gd", "gad", "gado", "gadolinium", "post", "contrast", "postcontrast",
        "enhanced",
    ]
    /// Before `contrast` or `enhanced`, they say that there was none.
    private static let negations: Set<String> = ["pre", "non", "no", "without", "un"]
    /// After `post`, they say that it is not about the agent.
    private static let events: Set<String> = [
        "op", "operative", "surgery", "surgical", "resection", "treatment", "therapy", "rt", "processed", "processing",
    ]

    /// The contrast that the words of a name say.
    /// - Parameters:
    ///   - words: the name's parts in lower case, in their order.
    ///   - file: its path, for the message.
    /// - Returns: nil when none of them is about a contrast.
    /// - Throws: ``CohortError`` when they say two: `T1_reg_to_T2` may be either.
    static func contrast(of words: [String], file: String) throws(CohortError) -> Contrast? {
        var found = Set(words.compactMap { weightings[$0] })
        // A FLAIR is T2-weighted, and many names say so.
        if found.contains(.flair) { found.remove(.t2) }
        guard found.count < 2 else {
            throw CohortError(
                .badFolder,
                "The name of \(file) says two contrasts: name it by the one it shows, T1w, T1c, T2w or FLAIR.")
        }
        switch found.first {
        case .t1: return saysAgent(words) ? .t1c : .t1w
        case .t2: return .t2w
        case .flair: return .flair
        case nil: return nil
        }
    }

    private static func saysAgent(_ words: [String]) -> Bool {
        words.indices.contains { index in
            guard agentWords.contains(words[index]) else { return false }
            if index > 0, negations.contains(words[index - 1]) { return false }
            return words[index] != "post" || index + 1 == words.count || !events.contains(words[index + 1])
        }
    }
}
