import AgentService
import ArgumentParser
import Cohort
import Federation
import Foundation
import Identity
import NIfTI
import Transport

/// `agent doctor`: whether this machine, its network and its data can take part.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check settings, network, certificates, clock, machine and data, and say what to do.",
        discussion: """
            Asks the coordinator one question, moves 16 MiB each way to measure the line, opens the headers of all \
            scans that the settings name, and changes nothing. Exit code 1 when something keeps this site from taking \
            part.
            """)

    @OptionGroup var options: StateOptions

    @Flag(help: "Leave out the 16 MiB each way.")
    var skipTransfer = false

    @Flag(help: "Print one JSON object instead.")
    var json = false

    func run() async throws {
        let report = Doctor.report(on: await probe().evidence(measures: !skipTransfer))
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(report), as: UTF8.self))
        } else {
            print(report.text)
        }
        if !report.isHealthy { throw ExitCode.failure }
    }

    private func probe() -> DoctorProbe {
        let folder = options.folder
        var settings: AgentConfiguration?
        var identity: SiteIdentity?
        var problems: (configuration: String?, identity: String?)
        do { settings = try AgentConfiguration.read(options.settings) } catch { problems.configuration = "\(error)" }
        do { identity = try SiteIdentity.load(folder) } catch { problems.identity = "\(error)" }
        let manifests = settings?.manifests ?? []
        var probe = DoctorProbe(
            settings: settings.flatMap { settings in identity.map { settings.client(of: $0, in: folder) } },
            stateFolder: folder.path, secrets: [folder.identity, folder.tlsKey, folder.signingKey],
            data: { manifests.map { Self.look(at: $0) } })
        probe.configurationProblem = problems.configuration
        probe.identityProblem = problems.identity
        probe.certificateEnd =
            (try? String(contentsOfFile: folder.tlsChain, encoding: .utf8))
            .flatMap { try? Certificate(pem: $0) }?.notAfter
        probe.modelBytes = Self.modelBytes(folder)
        probe.sandbox = { DoctorSandboxCommand.ask() }
        probe.isAtWork = TaskFolder.all(state: folder.path).contains { !$0.isFinished }
        return probe
    }

    /// The largest model of what the coordinator last asked for.
    private static func modelBytes(_ folder: StateFolder) -> Int? {
        guard let data = FileManager.default.contents(atPath: folder.answer),
            let answer = try? JSONDecoder().decode(PollAnswer.self, from: data)
        else { return nil }
        return answer.assignments.compactMap {
            try? MessageCoding.decode(Assignment.self, from: $0.text).base.bytes
        }.max()
    }

    /// A manifest and the headers of its scans, through the same gate as in training.
    private static func look(at path: String) -> DoctorEvidence.Data {
        do {
            let manifest = try Manifest.read(path)
            var problems: [String] = []
            for record in manifest.cases {
                for file in record.files {
                    do { _ = try NIfTIFile.readHeader(file) } catch { problems.append("case \(record.id): \(error)") }
                }
            }
            return DoctorEvidence.Data(manifest: path, cases: manifest.cases.count, problems: problems)
        } catch {
            return DoctorEvidence.Data(manifest: path, cases: 0, problems: ["\(error)"])
        }
    }
}

/// What the kernel of this machine lets a worker give up, tried in a process of its own, since it cannot be taken back.
struct DoctorSandboxCommand: ConfinedCommand {
    static let configuration = CommandConfiguration(commandName: "doctor-sandbox", shouldDisplay: false)

    func confine() throws {
        let network = Sandbox.denyNetwork()
        let files = Sandbox.restrictFiles(readable: Sandbox.systemFolders, writable: [])
        let offer = DoctorEvidence.SandboxOffer(network: network, files: files)
        print(String(decoding: try JSONEncoder().encode(offer), as: UTF8.self))
    }

    func run() {}

    static func ask() -> DoctorEvidence.SandboxOffer? {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["doctor-sandbox"]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil, let text = try? output.fileHandleForReading.readToEnd(),
            let offer = try? JSONDecoder().decode(DoctorEvidence.SandboxOffer.self, from: text)
        else { return nil }
        process.waitUntilExit()
        return offer
    }
}
