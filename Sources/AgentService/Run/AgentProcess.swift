import Foundation
import Transport

/// The whole of `agent run`: identity, lock, control socket and loop.
package enum AgentProcess {
    /// Runs until `isStopped`.
    /// - Throws: when the state folder cannot be used; nothing that passes by itself.
    package static func run(
        _ folder: StateFolder, configuration path: String, isStopped: @escaping @Sendable () -> Bool
    ) async throws {
        try folder.make()
        guard let lock = try FolderLock.take(folder.lock) else {
            throw AgentError(.state, "an agent already runs on \(folder.path); `agent status` shows how it is")
        }
        let identity = try SiteIdentity.load(folder)
        let configuration = try AgentConfiguration.read(path)
        let narrator = Narrator()
        let around = Surroundings(
            site: try Site(folder), identity: identity, configuration: configuration, narrator: narrator)
        let run = AgentRun(
            around: around, link: HTTPLink(settings(identity, folder, configuration)), configurationPath: path)
        let control = try ControlServer(folder.control) { request in
            let answer = SiteControl(site: around.site, configuration: around.configuration, around: around)
                .answer(request)
            if request.command != .status { run.hurry() }
            return answer
        }
        defer { control.end() }
        narrator.say(
            "\(identity.record.site) of \(identity.record.federation), coordinator "
                + "\(configuration.coordinator ?? identity.record.address)", on: "start")
        let loop = Task { await run.run() }
        while !isStopped() { try? await Task.sleep(for: .milliseconds(100)) }
        loop.cancel()
        await loop.value
        narrator.say("stopped", on: "start")
        withExtendedLifetime(lock) {}
    }

    private static func settings(
        _ identity: SiteIdentity, _ folder: StateFolder, _ configuration: AgentConfiguration
    ) -> ClientSettings {
        ClientSettings(
            address: configuration.coordinator ?? identity.record.address, trust: .root(pem: identity.root),
            identity: .init(certificate: folder.tlsChain, key: folder.tlsKey),
            proxy: configuration.proxy.map { .address($0) } ?? .environment,
            sendLimit: configuration.bandwidth.up ?? 0, receiveLimit: configuration.bandwidth.down ?? 0)
    }
}
