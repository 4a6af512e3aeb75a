import AgentService
import ArgumentParser

/// `agent run`: the half of a site that talks to the network.
struct RunCommand: ConfinedCommand, AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Take part in the federation: ask for work, hand it to `agent worker`, send what may leave.",
        discussion: """
            Holds the keys, and cannot open a scan where the kernel allows it to give that up. What it may do stands \
            in agent.yaml; what waits for you is shown by `agent status`. It never ends by itself: cut lines, \
            restarts and reboots are waited out, and it says in plain words what is wrong.
            """)

    @OptionGroup var options: StateOptions

    func confine() throws {
        Confinement.forbidCores()
        try options.folder.make()
        for line in Confinement.confine(options.folder, configuration: options.settings) {
            Narrator.standardError(line)
        }
    }

    func run() async throws {
        let stop = StopRequest()
        Supervisor.endWithSupervisor()
        try await AgentProcess.run(options.folder, configuration: options.settings) { stop.isAsked }
    }
}
