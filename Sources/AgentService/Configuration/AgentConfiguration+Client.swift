package import Transport

extension AgentConfiguration {
    /// How the site's agent reaches its coordinator.
    package func client(of identity: SiteIdentity, in folder: StateFolder) -> ClientSettings {
        ClientSettings(
            address: coordinator ?? identity.record.address, trust: .root(pem: identity.root),
            identity: .init(certificate: folder.tlsChain, key: folder.tlsKey),
            proxy: proxy.map { .address($0) } ?? .environment,
            sendLimit: bandwidth.up ?? 0, receiveLimit: bandwidth.down ?? 0)
    }
}
