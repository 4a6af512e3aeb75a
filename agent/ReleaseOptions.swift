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
        return try Releases.usable(release, in: state.folder).model
    }
}
