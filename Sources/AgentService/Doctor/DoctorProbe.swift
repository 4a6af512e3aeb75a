package import Foundation
import Glibc
package import Transport

/// Looks at a site and its line, and concludes nothing.
package struct DoctorProbe: Sendable {
    /// Bytes sent and fetched to measure the line.
    package static let transferBytes = 16 << 20

    /// Nil when the site has no address or identity yet.
    package var settings: ClientSettings?
    package var stateFolder: String
    /// Files that only the agent's user may read.
    package var secrets: [String]
    package var configurationProblem: String?
    package var identityProblem: String?
    package var modelBytes: Int?
    /// What the kernel would enforce on a worker; nil leaves it out.
    package var sandbox: (@Sendable () -> DoctorEvidence.SandboxOffer?)?
    package var isAtWork = false
    /// Opens the site's manifests and their headers.
    package var data: @Sendable () async -> [DoctorEvidence.Data]
    package var certificateEnd: Date?

    package init(
        settings: ClientSettings?, stateFolder: String, secrets: [String],
        data: @escaping @Sendable () async -> [DoctorEvidence.Data] = { [] }
    ) {
        self.settings = settings
        self.stateFolder = stateFolder
        self.secrets = secrets
        self.data = data
    }

    /// - Parameter measures: whether 16 MiB are moved each way.
    package func evidence(measures: Bool = true) async -> DoctorEvidence {
        var evidence = DoctorEvidence(now: settings?.clock() ?? Date())
        evidence.configurationProblem = configurationProblem
        evidence.identityProblem = identityProblem
        evidence.exposed = Self.exposed([stateFolder] + secrets)
        evidence.foreign = Self.foreign([stateFolder] + secrets)
        evidence.isAtWork = isAtWork
        evidence.certificateEnd = certificateEnd
        evidence.freeDisk = Self.freeDisk(stateFolder)
        evidence.availableMemory = Self.availableMemory(Self.text("/proc/meminfo"))
        evidence.processorFlags = Self.processorFlags(Self.text("/proc/cpuinfo"))
        evidence.modelBytes = modelBytes
        evidence.sandbox = sandbox?()
        evidence.data = await data()
        if let settings { await contact(settings, &evidence, measures) }
        return evidence
    }

    private func contact(_ settings: ClientSettings, _ evidence: inout DoctorEvidence, _ measures: Bool) async {
        evidence.address = settings.address
        let host = HostAddress(settings.address)?.host ?? settings.address
        let proxy = settings.proxy.proxy(for: host, environment: ProcessInfo.processInfo.environment)
        evidence.proxy = proxy.map { ProxyChoice.shown($0) }
        let client = HTTPClient(settings)
        do throws(TransportError) {
            let answer = try await client.send("GET", "/v1/probe?bytes=1")
            evidence.contact = .answered(
                clockLead: answer.serverTime.map { settings.clock().timeIntervalSince($0) })
        } catch {
            evidence.contact = .failed(error)
            return
        }
        guard measures else { return }
        do throws(TransportError) {
            let bytes = Self.transferBytes
            let start = ContinuousClock.now
            _ = try await client.send("POST", "/v1/probe", body: .bytes([UInt8](repeating: 0, count: bytes)))
            let middle = ContinuousClock.now
            _ = try await client.send("GET", "/v1/probe?bytes=\(bytes)", limit: bytes)
            evidence.transfer = .measured(
                up: Double(bytes) / ((middle - start) / .seconds(1)),
                down: Double(bytes) / ((ContinuousClock.now - middle) / .seconds(1)))
        } catch {
            evidence.transfer = .failed(error)
        }
    }

    /// Paths that others than their owner may read; missing ones are left out.
    static func exposed(_ paths: [String]) -> [String] {
        paths.filter { path in facts(path).map { $0.st_mode & 0o077 != 0 } ?? false }
    }

    /// Paths that belong to another user than this one; to root, none does.
    static func foreign(_ paths: [String]) -> [String] {
        paths.filter { path in facts(path).map { $0.st_uid != geteuid() && geteuid() != 0 } ?? false }
    }

    private static func facts(_ path: String) -> stat? {
        var facts = stat()
        return stat(path, &facts) == 0 ? facts : nil
    }

    private static func freeDisk(_ folder: String) -> Int? {
        var disk = statvfs()
        guard statvfs(folder, &disk) == 0 else { return nil }
        return Int(disk.f_bavail) * Int(disk.f_frsize)
    }

    private static func text(_ path: String) -> String {
        (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    }

    /// `MemAvailable` of `/proc/meminfo`, in bytes.
    static func availableMemory(_ text: String) -> Int? {
        text.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
            .flatMap { $0.split(separator: " ").dropFirst().first.flatMap { Int($0) } }.map { $0 << 10 }
    }

    /// The first processor's flags in `/proc/cpuinfo`.
    static func processorFlags(_ text: String) -> Set<String>? {
        text.split(separator: "\n").first { $0.hasPrefix("flags") }
            .flatMap { $0.split(separator: ":").last }
            .map { Set($0.split(separator: " ").map { String($0) }) }
    }
}
