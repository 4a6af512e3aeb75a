import AgentService
import Federation
import Foundation
import Synchronization
import Testing

@Suite(.serialized) struct SandboxTests {
    /// The program beside the test bundle.
    static let agent = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("agent").path

    /// A port of this machine that takes connections while the body runs.
    private func withListener(_ body: (UInt16) throws -> Void) throws {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && listen(socket, 8) == 0 && getsockname(socket, $0, &length) == 0
            }
        }
        try #require(bound)
        try body(UInt16(bigEndian: address.sin_port))
    }

    private func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, errors: String) {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        let pipe = Pipe()
        process.standardError = pipe
        try process.run()
        let errors = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: errors, as: UTF8.self))
    }

    /// Tries what the sandbox forbids and writes what succeeded into a file.
    private func probe(_ site: WorkerSite, port: UInt16, report: String) -> String {
        """
        : > '\(report)'
        (exec 3<>/dev/tcp/127.0.0.1/\(port)) 2> /dev/null && echo connect >> '\(report)'
        cat '\(site.state)/identity/tls.key' > /dev/null 2>&1 && echo key >> '\(report)'
        ls '\(site.state)/identity' > /dev/null 2>&1 && echo list >> '\(report)'
        cat '\(site.state)/work/decision.json' > /dev/null 2>&1 && echo decision >> '\(report)'
        (echo x >> '\(site.state)/work/decision.json') 2> /dev/null && echo decide >> '\(report)'
        ln '\(site.state)/identity/tls.key' '\(report).link' 2> /dev/null && echo link >> '\(report)'
        (echo x > '\(site.folder)/outside') 2> /dev/null && echo outside >> '\(report)'
        cat '\(site.folder)/scan' > /dev/null 2>&1 && echo scan >> '\(report)'
        exit 0
        """
    }

    @Test("the worker and all it starts can neither connect, read a key nor decide for the agent, and can open a scan")
    func worker() throws {
        try WorkerSite.with { site in
            try FileManager.default.createDirectory(
                atPath: site.state + "/identity", withIntermediateDirectories: true)
            try Data("secret".utf8).write(to: URL(filePath: site.state + "/identity/tls.key"))
            try FileManager.default.createDirectory(atPath: site.state + "/work", withIntermediateDirectories: true)
            try Data("no".utf8).write(to: URL(filePath: site.state + "/work/decision.json"))
            try Data("voxels".utf8).write(to: URL(filePath: site.folder + "/scan"))
            try withListener { port in
                // The same script outside the sandbox succeeds in everything: what fails inside, fails by the sandbox.
                let free = site.folder + "/free"
                #expect(try run("/bin/bash", ["-c", probe(site, port: port, report: free)]).status == 0)
                #expect(try lines(free) == ["connect", "key", "list", "decision", "decide", "link", "outside", "scan"])
                // A second name of the key, outside of the hidden folder, would let it be read: rules are about inodes.
                try FileManager.default.removeItem(atPath: free + ".link")
                let report = site.state + "/tasks/report"
                let task = site.task(
                    data: try site.trainingManifest(),
                    trainer: .external(["/bin/bash", "-c", probe(site, port: port, report: report)]))
                try TaskFolder(state: site.state, round: task.round, kind: .train).submit(task)
                let ended = try run(Self.agent, ["worker", "--state", site.state, "--once", "--require-sandbox"])
                #expect(ended.status == 0)
                #expect(ended.errors.contains("seccomp"))
                #expect(ended.errors.contains("Landlock"))
                #expect(!ended.errors.contains("threads that were running"))
                let reached = try lines(report)
                // Outside of the state folder lies /tmp here, where everybody may write.
                #expect(reached == ["outside", "scan"])
            }
        }
    }

    @Test("the agent's own process cannot open scans nor what is prepared of them, and says so where it could")
    func agentRun() throws {
        try WorkerSite.with { site in
            let folder = StateFolder(site.state)
            try FileManager.default.createDirectory(atPath: folder.cache, withIntermediateDirectories: true)
            let manifest = site.folder + "/manifest.csv"
            for place in [manifest, site.state + "/manifest.csv"] {
                try Data("case\n".utf8).write(to: URL(filePath: place))
                try Data("data: \(place)\n".utf8).write(to: URL(filePath: folder.configuration))
                // The site is not enrolled: it says what it may open, and ends.
                let said = try run(Self.agent, ["run", "--state", site.state]).errors
                #expect(said.contains("files restricted") && said.contains("belongs to no federation"))
                // Only data that the site keeps in the agent's own folder are in its reach.
                #expect(said.contains("WARNING") == (place != manifest))
                #expect(!said.contains(folder.cache))
            }
        }
    }

    @Test("a file that another process could still change is copied, one that nobody could is not")
    func settled() throws {
        try WorkerSite.with { site in
            let (source, target) = (site.folder + "/made", site.folder + "/taken")
            for hold in ["nothing", "a descriptor", "a name"] {
                try Data("checked".utf8).write(to: URL(filePath: source))
                var facts = stat()
                #expect(stat(source, &facts) == 0)
                let inode = facts.st_ino
                let descriptor = hold == "a descriptor" ? open(source, O_WRONLY) : -1
                defer { if descriptor >= 0 { close(descriptor) } }
                if hold == "a name" { #expect(link(source, source + ".other") == 0) }
                try SettledFile.take(source, to: target)
                if descriptor >= 0 { #expect(pwrite(descriptor, "changed", 7, 0) == 7) }
                if hold == "a name" { try Data("changed".utf8).write(to: URL(filePath: source + ".other")) }
                #expect(try String(contentsOfFile: target, encoding: .utf8) == "checked")
                #expect(stat(target, &facts) == 0)
                #expect((facts.st_ino == inode) == (hold == "nothing"))
            }
        }
    }

    private func lines(_ path: String) throws -> [String] {
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
    }

    /// What a thread of its own found, which may give up rights that the other tests need.
    private final class Findings: Sendable {
        private let values = Mutex<[Int32]>([])
        private let done = DispatchSemaphore(value: 0)

        init(_ body: @escaping @Sendable () -> [Int32]) {
            Thread {
                let found = body()
                self.values.withLock { $0 = found }
                self.done.signal()
            }.start()
        }

        func wait() -> [Int32] {
            done.wait()
            return values.withLock { $0 }
        }
    }

    @Test("a thread that may read its state folder only cannot open a scan")
    func restricted() throws {
        try WorkerSite.with { site in
            try Data("voxels".utf8).write(to: URL(filePath: site.folder + "/scan"))
            try Data("state".utf8).write(to: URL(filePath: site.state + "/known"))
            let (state, folder) = (site.state, site.folder)
            let found = Findings {
                let outcome = Sandbox.restrictFiles(readable: Sandbox.systemFolders, writable: [state])
                guard outcome.holds else { return [] }
                return [
                    Self.opens(state + "/known", O_RDONLY), Self.opens(state + "/new", O_WRONLY | O_CREAT),
                    Self.opens("/etc/hostname", O_RDONLY), Self.opens(folder + "/scan", O_RDONLY),
                    Self.opens(folder + "/new", O_WRONLY | O_CREAT), Self.opens("/etc/new", O_WRONLY | O_CREAT),
                ]
            }
            #expect(found.wait() == [0, 0, 0, EACCES, EACCES, EACCES])
            #expect(Self.opens(site.folder + "/scan", O_RDONLY) == 0)
        }
    }

    /// 0 or the error's number.
    private static func opens(_ path: String, _ flags: Int32) -> Int32 {
        let descriptor = open(path, flags, 0o600)
        guard descriptor >= 0 else { return errno }
        close(descriptor)
        return 0
    }
}
