import ArgumentParser
import CoordinatorService

/// A new federation.
struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make a new federation: its authority, keys, database and coordinator.yaml.",
        discussion: """
            The folder is made for its owner only. Take the root key off this host afterwards: \
            coordinator export-root FILE --remove.
            """)

    @OptionGroup var options: StateOptions
    @Option(
        help: ArgumentHelp("Where agents will connect; the host goes into the certificate.", valueName: "host:port"))
    var address: String
    @Option(help: "Where sites will enrol, on the same host; by default the port after the agents'.")
    var enrolmentPort: Int?
    @Option(help: "How the federation is called.")
    var name = "consilium"

    func run() async throws {
        guard let endpoint = CoordinatorConfiguration.Endpoint(address) else {
            throw OperatorError(
                "\(address) is not a host and a port; give one such as --address coordinator.example.org:8443")
        }
        let enrolment = enrolmentPort ?? (endpoint.port == 0 ? 0 : min(endpoint.port + 1, 65_535))
        guard (0...65_535).contains(enrolment) else {
            throw OperatorError("\(enrolment) is not a port; give one from 1 to 65535 with --enrolment-port")
        }
        let founding = Founding(
            folder: options.folder,
            configuration: CoordinatorConfiguration(name: name, address: endpoint, enrolmentPort: enrolment))
        let federation = try await founding.run()
        print("federation \(federation) is in \(options.folder.path); serve it with coordinator serve")
    }
}

/// The root key, taken elsewhere.
struct ExportRootCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export-root", abstract: "Copy the root key to a file, to be kept away from this host.",
        discussion: "Daily work needs the issuing key alone. The root is needed to replace that, and to nothing else.")

    @OptionGroup var options: StateOptions
    @Argument(help: "A new file.") var file: String
    @Flag(help: "Take the key off this host once the copy is durable.") var remove = false

    func run() throws {
        try RootKey(folder: options.folder).export(to: file, remove: remove)
        print(
            remove
                ? "the root key is in \(file) and no longer on this host; keep it offline"
                : "the root key is in \(file); keep it offline, and run again with --remove to take it off this host")
    }
}
