/// Which parameters of a model stay as they are, by patterns of their names: `encoder` is everything but the head; in
/// any other pattern `*` stands for any text and `?` for one character. What only a decoder uses is trained in
/// pretraining by that decoder alone, which never trains a head.
package struct FreezePatterns: Sendable, Equatable {
    package let patterns: [String]
    /// When there are any, nothing else is trained.
    package let only: [String]
    /// In pretraining.
    package let objective: StudyPlan.Objective?

    package init(_ patterns: [String] = [], only: [String] = [], objective: StudyPlan.Objective? = nil) {
        self.patterns = patterns
        self.only = only
        self.objective = objective
    }

    /// What a plan's `freeze`, `trainable` and objective say.
    package init(_ plan: StudyPlan) {
        self.init(plan.training.freeze, only: plan.training.trainable, objective: plan.objective)
    }

    /// Whether a study trains the parameter of a name.
    package func trains(_ name: String) -> Bool {
        isReached(name)
            && (only.isEmpty || only.contains { Self.fits(name, pattern: $0) })
            && !patterns.contains { $0 == "encoder" ? !Self.isOfHead(name) : Self.fits(name, pattern: $0) }
    }

    /// Whether what is learned has a gradient of the parameter.
    private func isReached(_ name: String) -> Bool {
        let isOfRestoration = name.hasPrefix("conv3d_transpose")
        let isOfMasking = name.hasPrefix("mask_decoder.")
        return switch objective {
        case nil: !name.hasPrefix("norm.") && !isOfRestoration && !isOfMasking
        case .blocks16, .blocks4: !Self.isOfHead(name) && !isOfMasking
        case .masked: !Self.isOfHead(name) && !isOfRestoration
        }
    }

    private static func isOfHead(_ name: String) -> Bool { name.hasPrefix("FC.") || name.hasPrefix("head.") }

    /// Whether the whole name fits; linear in the name for each star.
    static func fits(_ name: String, pattern: String) -> Bool {
        let (pattern, name) = (Array(pattern.utf8), Array(name.utf8))
        var (p, n) = (0, 0)
        // Where to go on when the text after the last star does not fit: the star takes one more character.
        var retry: (pattern: Int, name: Int)?
        while n < name.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                p += 1
                retry = (p, n)
            } else if p < pattern.count, pattern[p] == name[n] || pattern[p] == UInt8(ascii: "?") {
                p += 1
                n += 1
            } else if let last = retry {
                retry = (last.pattern, last.name + 1)
                (p, n) = (last.pattern, last.name + 1)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
