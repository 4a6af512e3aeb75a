import Foundation
import Glibc

/// The programs of a federation on loopback, driven by their commands as an operator would.
package struct LocalFederation: Sendable {
    /// Everything lies in it.
    package let folder: String
    /// Where the programs are.
    package let binaries: String
    /// Ports of agents and of enrolment.
    package let ports: (agents: Int, enrolment: Int)
    /// Where agents connect instead, when a proxy of the test stands before the coordinator.
    package var line: Int?
    /// Lines that are put at the end of the coordinator's settings.
    package var settings = ""

    package init(folder: String, binaries: String) throws {
        self.folder = folder
        self.binaries = binaries
        ports = try Self.freePorts()
    }

    package struct Status: Sendable {
        package var standing: String
        /// Digest of the model in force.
        package var base: String
        /// Seconds of each committed round.
        package var seconds: [Double]
    }

    package var state: String { folder + "/coordinator" }

    /// Makes a new federation and serves it.
    package func found() throws -> ChildProgram {
        let address = "127.0.0.1:\(line ?? ports.agents)"
        try coordinator("init", "--address", address, "--enrolment-port", "\(ports.enrolment)")
        let file = state + "/coordinator.yaml"
        let text = try String(contentsOfFile: file, encoding: .utf8).replacingOccurrences(
            of: "listen: \"\(address)\"", with: "listen: \"127.0.0.1:\(ports.agents)\"")
        try (text + settings).write(toFile: file, atomically: true, encoding: .utf8)
        return try serve()
    }

    /// Serves the federation that is there, and waits until it does.
    package func serve() throws -> ChildProgram {
        unlink(state + "/control.sock")
        let child = try ChildProgram(
            "coordinator", binaries + "/coordinator", ["serve", "--state", state], log: folder + "/coordinator.log")
        let limit = ContinuousClock.now + .seconds(30)
        while !FileManager.default.fileExists(atPath: state + "/control.sock") {
            guard ContinuousClock.now < limit else {
                throw LocalFederationError("the coordinator does not serve: see \(folder)")
            }
            usleep(20_000)
        }
        return child
    }

    /// Enrols a site with a trainer of its own, and starts it.
    /// - Parameter cases: training cases of the site's manifest; their scans are never opened.
    package func addSite(_ name: String, cases: Int, trainer: [String]) throws -> ChildProgram {
        let site = try enrol(name)
        let rows = (0..<cases + 2).map {
            "c\($0),\(folder)/none/\($0).nii,\($0 < cases ? "train" : "select"),\($0 % 2 == 0 ? "a" : "b")"
        }
        let manifest = "\(folder)/\(name).csv"
        try (["case,T1c,split,label"] + rows).map { $0 + "\n" }.joined()
            .write(toFile: manifest, atomically: true, encoding: .utf8)
        let command = trainer.map { "\"\($0)\"" }.joined(separator: ", ")
        try """
        data: \(manifest)
        approve: {consent: automatic, update: automatic, evaluation: automatic, release: automatic}
        origin: synthetic
        minimum: {cases: 1, cases_per_class: 1}
        floors: {minimum_sites: 1}
        trainer: {external: [\(command)]}

        """.write(toFile: site + "/agent.yaml", atomically: true, encoding: .utf8)
        return try startSite(name)
    }

    /// Enrols a site that trains with the built-in trainer, and starts it.
    /// - Parameter manifest: of its cases.
    package func addSite(_ name: String, manifest: String) throws -> ChildProgram {
        let site = try enrol(name)
        try """
        data: \(manifest)
        approve: {consent: automatic, update: automatic, evaluation: automatic, release: automatic}
        origin: synthetic
        minimum: {cases: 1, cases_per_class: 1}
        threads: 1

        """.write(toFile: site + "/agent.yaml", atomically: true, encoding: .utf8)
        return try startSite(name)
    }

    /// Enrols a site, and starts nothing.
    /// - Returns: its state folder.
    @discardableResult
    package func enrol(_ name: String) throws -> String {
        let site = "\(folder)/\(name)"
        let code = try coordinator("site", "add", name, "--yes-on-match").split(separator: "\n").last.map(String.init)
        _ = try run(binaries + "/agent", ["enroll", "-", "--state", site], input: (code ?? "") + "\n")
        return site
    }

    /// Starts the agent and the worker of an enrolled site.
    package func startSite(_ name: String) throws -> ChildProgram {
        try ChildProgram(
            name, binaries + "/agent", ["up", "--state", "\(folder)/\(name)"], log: "\(folder)/\(name).log")
    }

    @discardableResult
    package func coordinator(_ arguments: String...) throws -> String {
        try run(binaries + "/coordinator", arguments + ["--state", state])
    }

    /// Follows a study until it ends; the program ends with it.
    package func watch(_ study: String) throws -> ChildProgram {
        try ChildProgram(
            "watch", binaries + "/coordinator", ["study", "watch", study, "--every", "0.1", "--state", state],
            log: watchLog(study))
    }

    /// What following it has shown so far: a line for each round that ended.
    package func watched(_ study: String) throws -> String {
        try String(contentsOfFile: watchLog(study), encoding: .utf8)
    }

    private func watchLog(_ study: String) -> String { "\(folder)/\(study).watch" }

    package func object(_ digest: String) -> String { "\(state)/objects/\(digest.prefix(2))/\(digest)" }

    package func status(_ study: String = "echo") throws -> Status {
        struct Report: Decodable {
            struct Reference: Decodable { var digest: String }
            struct Round: Decodable {
                var opened: String
                var ended: String?
                var phase: String
            }
            struct Inner: Decodable {
                var standing: String
                var base: Reference?
                var history: [Round]
            }
            var status: Inner
        }
        let text = try coordinator("study", "status", study, "--json")
        let report = try JSONDecoder().decode(Report.self, from: Data(text.utf8))
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        let seconds = try report.status.history.compactMap { round in
            try round.ended.map { try style.parse($0).timeIntervalSince(style.parse(round.opened)) }
        }
        return Status(
            standing: report.status.standing, base: report.status.base?.digest ?? "", seconds: seconds)
    }

    /// Runs a command of the agent's that is of no federation.
    @discardableResult
    package func agent(_ arguments: String...) throws -> String { try run(binaries + "/agent", arguments) }

    private func run(_ program: String, _ arguments: [String], input: String = "") throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        let (into, out) = (Pipe(), Pipe())
        process.standardInput = into
        process.standardOutput = out
        process.standardError = out
        try process.run()
        into.fileHandleForWriting.write(Data(input.utf8))
        try into.fileHandleForWriting.close()
        let text = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw LocalFederationError("`\(program) \(arguments.joined(separator: " "))`: \(text)")
        }
        return text
    }

    /// Two ports nobody listens on, below those the system gives to outgoing connections (32768 and above): a listener
    /// that opens later than it was chosen would find one of these taken.
    private static func freePorts() throws -> (Int, Int) {
        let free = Array((20_000..<32_000).shuffled().lazy.filter(canBind).prefix(2))
        guard free.count == 2 else { throw LocalFederationError("no free port on loopback") }
        return (free[0], free[1])
    }

    private static func canBind(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}

/// Why the programs did not do what was asked.
package struct LocalFederationError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}
