import Files
import Foundation

/// The folder in which an agent keeps all it knows, and where its things lie in it.
package struct StateFolder: Sendable {
    package let path: String

    package init(_ path: String) {
        self.path = URL(fileURLWithPath: path).standardizedFileURL.path
    }

    /// `$CONSILIUM_STATE`, else the packages' folder where it is there, else one in the home folder.
    package static var usual: String {
        if let path = ProcessInfo.processInfo.environment["CONSILIUM_STATE"], !path.isEmpty { return path }
        let installed = "/var/lib/consilium-agent"
        if FileManager.default.fileExists(atPath: installed) { return installed }
        return FileManager.default.homeDirectoryForCurrentUser.appendingPathComponent(".consilium-agent").path
    }

    package var configuration: String { path + "/agent.yaml" }
    package var identity: String { path + "/identity" }
    package var tlsKey: String { identity + "/tls.key" }
    package var tlsChain: String { identity + "/tls.pem" }
    package var root: String { identity + "/root.pem" }
    package var signingKey: String { identity + "/signing.key" }
    package var federation: String { identity + "/federation.json" }
    package var objects: String { path + "/objects" }
    package func object(_ digest: String) -> String { objects + "/" + digest }
    package var tasks: String { path + "/tasks" }
    /// What the agent has decided and will send: out of the worker's reach.
    package var work: String { path + "/work" }
    package func task(_ id: String) -> String { tasks + "/" + id }
    package var releases: String { path + "/releases" }
    /// Where the worker keeps prepared scans unless told otherwise: beside the state folder, so that `agent run`, which
    /// may open all of that, cannot open them.
    package var cache: String { path + "-cache" }
    /// Held by the worker while it runs.
    package var workerLock: String { tasks + "/worker.lock" }
    package func release(_ name: String) -> String { releases + "/" + name }
    package var logs: String { path + "/log" }
    package var egressLog: String { logs + "/egress.jsonl" }
    package var control: String { path + "/control.sock" }
    package var lock: String { path + "/agent.lock" }
    /// The coordinator's newest answer to a poll.
    package var answer: String { path + "/poll.json" }
    /// What the agent remembers between polls: ``SiteMemory``.
    package var memory: String { path + "/site.json" }

    /// Makes the folder and those below, for the owner only.
    /// - Throws: one sentence naming the folder.
    package func make() throws {
        for folder in [path, identity, objects, tasks, work, releases, logs] {
            do {
                try FileManager.default.createDirectory(
                    atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            } catch {
                throw AgentError(
                    .state, "the folder \(folder) cannot be made; check that its parent exists and may be written")
            }
        }
    }
}

/// Small files of JSON, written so that they are whole or not there.
enum JSONFile {
    static func write(_ value: some Encodable, to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        try DurableFile.write(Array(try encoder.encode(value)) + [10], to: path)
    }

    /// nil if there is no such file. Whether there is one is told by opening it, once: it may come or go meanwhile.
    static func read<T: Decodable>(_ type: T.Type, from path: String, limit: Int = 1 << 22) throws -> T? {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch CocoaError.fileReadNoSuchFile {
            return nil
        } catch {
            throw AgentError(.state, "\(path) cannot be read; check its permissions")
        }
        guard data.count <= limit, let value = try? JSONDecoder().decode(type, from: data) else {
            throw AgentError(.state, "\(path) is damaged; restore it from a backup, or remove it")
        }
        return value
    }
}
