import AgentService
import ArgumentParser
import Foundation
import Identity
import Transport

/// `agent enroll`: makes this site a member of a federation.
struct EnrollCommand: ConfinedCommand, AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enroll",
        abstract: "Join a federation with the code its operator gave you.",
        discussion: """
            In the folder of a site that is a member already, it gives the site fresh keys and keeps all else.

            Makes this site's keys, which never leave it, and waits until the operator approves: read the eight words \
            to them over the telephone. Killed or cut off, the same command goes on. The code is a secret: give it as \
            $CONSILIUM_CODE or on the standard input (agent enroll -) where others can see this machine's processes.
            """)

    @Argument(help: "The code; - for the standard input; $CONSILIUM_CODE when left out.")
    var code: String?

    @OptionGroup var options: StateOptions

    @Option(help: "Proxy, such as http://proxy:3128; $https_proxy by default.")
    var proxy: String?

    func confine() throws { Confinement.forbidCores() }

    func run() async throws {
        let code = try EnrolmentCode(parsing: try text())
        let settings = try AgentConfiguration.read(options.settings)
        let proxy = (proxy ?? settings.proxy).map { ProxyChoice.address($0) } ?? .environment
        try options.folder.make()
        guard let lock = try FolderLock.take(options.folder.lock) else {
            throw ValidationError("An agent already works on \(options.folder.path).")
        }
        defer { withExtendedLifetime(lock) {} }
        let record = try await Enrolment(code: code, folder: options.folder, proxy: proxy).run { print($0) }
        print("Enrolled as \(record.site) in the federation \(record.federation).")
        print("Next: look through \(options.folder.configuration), then `agent run --state \(options.folder.path)`.")
    }

    private func text() throws -> String {
        if code == "-" { return readLine() ?? "" }
        if let code { return code }
        if let code = ProcessInfo.processInfo.environment["CONSILIUM_CODE"], !code.isEmpty { return code }
        throw ValidationError("Give the code, or - to read it from the standard input, or set CONSILIUM_CODE.")
    }
}
