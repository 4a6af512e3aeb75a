import AgentService
import ArgumentParser
import Federation

/// A released model by its name.
struct ReleaseOptions: ParsableArguments {
    @Option(help: "A release kept by `agent run`; its card and digest are verified first.")
    var release: String?

    @OptionGroup var state: StatePlace

    /// The verified model's path; nil when no release is named.
    func model() throws -> String? {
        guard let release else { return nil }
        let kept = try Releases.verified(release, in: state.folder)
        guard kept.card.standing != .held else {
            throw ValidationError("The release \(release) is held by the coordinator: it must not be used.")
        }
        return kept.model
    }
}
