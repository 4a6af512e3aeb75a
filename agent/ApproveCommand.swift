import AgentService
import ArgumentParser

/// `agent approve`: the admin's yes.
struct ApproveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve",
        abstract: "Say yes to something that waits, by its name in `agent status`.",
        discussion: "`agent approve history` accepts that the coordinator came back with another history.")

    @Argument(help: "Such as tumour-1.consent.3f2a90b1c4d5e6f7 or tumour-1.3.1.train.")
    var id: String

    @OptionGroup var options: StateOptions

    func run() throws {
        let answer = try SiteControl.perform(
            ControlRequest(.approve, id: id), folder: options.folder, configuration: options.settings)
        print(answer.done ?? "")
    }
}

/// `agent refuse`: the admin's no.
struct RefuseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "refuse",
        abstract: "Say no to something that waits or is being worked on, or leave a study.",
        discussion: "The reason is told to the coordinator: name no patient and no file in it.")

    @Argument(help: "Such as tumour-1.consent or tumour-1.3.1.train.")
    var id: String

    @Option(help: "Why, in one sentence.")
    var reason: String

    @OptionGroup var options: StateOptions

    func run() throws {
        let answer = try SiteControl.perform(
            ControlRequest(.refuse, id: id, reason: reason), folder: options.folder, configuration: options.settings)
        print(answer.done ?? "")
    }
}
