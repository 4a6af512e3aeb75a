import AgentService
import ArgumentParser
import Federation
import Foundation

/// `agent worker`: the half of a site that opens scans.
struct WorkerCommand: ConfinedCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Train and evaluate what `agent run` hands over; opens scans, has no network and no keys.",
        discussion: """
            Does the tasks in STATE/tasks, one at a time, and leaves results there. It gives up every network and the \
            right to read STATE/identity before it begins, says what this machine does not allow of that, and keeps \
            a prepared copy of the scans in a folder beside STATE, which `agent run` cannot open. Stopped or killed, it goes on where it was when it is \
            started again.
            """)

    @Option(help: "The site's state folder, shared with `agent run`.", completion: .directory)
    var state: String

    @Option(
        help: ArgumentHelp("Folder of prepared scans, outside of STATE; STATE-cache by default.", valueName: "dir"),
        completion: .directory)
    var cache: String?

    @Flag(help: "End when no task is left.")
    var once = false

    @Flag(help: "Refuse to work unless network and keys are out of reach.")
    var requireSandbox = false

    private var folder: StateFolder { StateFolder(state) }
    private var cacheFolder: String { cache ?? folder.cache }

    func validate() throws {
        guard !(StateFolder(cacheFolder).path + "/").hasPrefix(folder.path + "/") else {
            throw ValidationError("Name a --cache outside of \(state): `agent run` may open all of that.")
        }
    }

    func confine() throws {
        try Worker.makeFolders(state, cache: cacheFolder)
        let network = Sandbox.denyNetwork()
        // Not before: a process that cannot be looked into may not map its user either.
        Confinement.forbidCores()
        let files = Sandbox.hideFiles(
            [folder.identity, folder.work], writable: [folder.tasks, cacheFolder] + Sandbox.scratchFolders,
            kept: folder.path)
        say("sandbox: \(network.description); \(files.description)")
        guard network.holds, files.holds else {
            let what = network.holds ? "the keys in \(state)/identity" : "a network"
            let warning = "this machine does not keep the worker from \(what)"
            guard !requireSandbox else {
                throw ValidationError(warning + ": use a newer kernel, or a container that allows it.")
            }
            say("warning: \(warning)")
            return
        }
    }

    func run() throws {
        let stop = StopRequest()
        Supervisor.endWithSupervisor()
        let worker = try Worker(
            state: folder.path, cache: cacheFolder,
            report: { report in
                switch report {
                case .began(let task): say("\(task): begun")
                case .finished(let task, .update(let update)):
                    say("\(task): update of \(update.bytes) bytes, norm \(update.norm)")
                case .finished(let task, .evaluation(let evaluation)):
                    say("\(task): evaluated on \(evaluation.cases.reduce(0, +)) cases")
                case .finished(let task, .refusal(let refusal)):
                    say("\(task): refused (\(refusal.reason.rawValue)): \(refusal.local ?? refusal.detail)")
                case .problem(let problem): say(problem)
                }
            }, shouldStop: { stop.isAsked })
        worker.run(untilDone: once)
    }
}

/// A line for the person or the journal.
private func say(_ line: String) { FileHandle.standardError.write(Data((line + "\n").utf8)) }
