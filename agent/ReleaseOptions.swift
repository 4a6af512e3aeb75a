import AgentService
import ArgumentParser
import Federation

/// A released model by its name.
struct ReleaseOptions: ParsableArguments {
    @Option(help: "A release kept by `agent run`; its card and digest are verified first.")
    var release: String?

    @OptionGroup var state: StatePlace

    /// The verified release; nil when none is named.
    func kept() throws -> Releases.Kept? {
        try release.map { try Releases.usable($0, in: state.folder) }
    }
}

extension Releases.Kept {
    /// The threshold frozen in the card, and whose it is.
    var threshold: ModelReader.Threshold? {
        card.point.map { ModelReader.Threshold(value: $0.threshold, from: "release \(card.name)") }
    }
}
