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
            a prepared copy of the scans in STATE/cache. Stopped or killed, it goes on where it was when it is \
            started again.
            """)

    @Option(help: "The site's state folder, shared with `agent run`.", completion: .directory)
    var state: String

    @Flag(help: "End when no task is left.")
    var once = false

    @Flag(help: "Refuse to work unless network and keys are out of reach.")
    var requireSandbox = false

    func confine() throws {
        try Worker.makeFolders(state)
        let network = Sandbox.denyNetwork()
        let files = Sandbox.hideFiles(
            [state + "/identity", state + "/work"],
            writable: [state + "/tasks", state + "/cache"] + Sandbox.scratchFolders)
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
        let worker = try Worker(
            state: state,
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
