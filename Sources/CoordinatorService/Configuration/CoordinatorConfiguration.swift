import Foundation

/// What `coordinator.yaml` says.
package struct CoordinatorConfiguration: Sendable, Equatable {
    /// A host and a port.
    package struct Endpoint: Sendable, Equatable, CustomStringConvertible {
        package var host: String
        package var port: Int

        package init(host: String, port: Int) {
            self.host = host
            self.port = port
        }

        /// Reads `host:port` or `[address]:port`.
        package init?(_ text: String) {
            guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
                (0...65_535).contains(port)
            else { return nil }
            var host = text[..<colon]
            if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
            guard (1...253).contains(host.utf8.count),
                host.utf8.allSatisfy({ (33...126).contains($0) && $0 != 47 && $0 != 91 && $0 != 93 })
            else { return nil }
            self.init(host: String(host), port: port)
        }

        package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

        /// Whether it can be reached from this machine alone.
        package var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }
    }

    /// How the federation is called.
    package var name = "consilium"
    /// Where agents connect; its host is in the server's certificate.
    package var address: Endpoint
    /// Where sites enrol: the same host, another port.
    package var enrolmentAddress: Endpoint
    /// Where the two listeners are bound; by default the addresses themselves when those are this machine's loopback,
    /// otherwise every interface.
    package var listen: Endpoint
    package var enrolmentListen: Endpoint
    /// Seconds a site's certificate lives.
    package var siteLifetime = 7 * 86_400
    /// Seconds the server's certificate lives.
    package var serverLifetime = 30 * 86_400
    /// Seconds a code may be used.
    package var codeLifetime = 72 * 3600
    package var connections = 1200
    package var connectionsPerSite = 8
    /// From one address, before anybody knows whose they are.
    package var connectionsPerAddress = 64
    /// Seconds for a TLS handshake, for a request's head, between requests, and for a peer to read what waits for it.
    package var handshakeTime = 10
    package var headTime = 10
    package var idleTime = 75
    package var stallTime = 30
    /// Bytes a second below which a body is cut.
    package var bodyRate = 8 << 10
    /// Bytes kept back on the state folder's disk, so that on a full one the record can still be written.
    package var reservedBytes = 64 << 20
    /// The coordinator's own evaluation data.
    package var evaluation: [EvaluationSet] = []
    /// `debug`, `info`, `warning` or `error`.
    package var logLevel = "info"

    package init(name: String, address: Endpoint, enrolmentPort: Int) {
        self.name = name
        self.address = address
        enrolmentAddress = Endpoint(host: address.host, port: enrolmentPort)
        listen = Self.bound(address)
        enrolmentListen = Self.bound(enrolmentAddress)
    }

    /// Reads the file of a state folder.
    package init(folder: StateFolder) throws(OperatorError) {
        guard let data = FileManager.default.contents(atPath: folder.configuration) else {
            throw OperatorError("\(folder.configuration) cannot be read; restore it, or check its permissions")
        }
        try self.init(yaml: String(decoding: data, as: UTF8.self), file: folder.configuration)
    }

    package init(yaml: String, file: String) throws(OperatorError) {
        var reader = try SettingsReader(yaml, file: file)
        let endpoint = "a host and a port, such as coordinator.example.org:8443"
        guard let address = try reader.value("address", endpoint, { Endpoint($0) }) else {
            throw OperatorError("\(file): address is missing; add one, such as address: coordinator.example.org:8443")
        }
        var enrolment = try reader.section("enrolment")
        self.init(
            name: try reader.text("name") ?? "consilium", address: address,
            enrolmentPort: try enrolment.integer("port", in: 0...65_535) ?? min(address.port + 1, 65_535))
        listen = try reader.value("listen", endpoint, { Endpoint($0) }) ?? listen
        enrolmentListen = try enrolment.value("listen", endpoint, { Endpoint($0) }) ?? enrolmentListen
        codeLifetime = try enrolment.seconds("code-lifetime", in: 1...30 * 86_400) ?? codeLifetime
        try enrolment.finish()

        var certificates = try reader.section("certificates")
        siteLifetime = try certificates.seconds("site-lifetime", in: 20...30 * 86_400) ?? siteLifetime
        serverLifetime = try certificates.seconds("server-lifetime", in: 20...90 * 86_400) ?? serverLifetime
        try certificates.finish()

        var limits = try reader.section("limits")
        connections = try limits.integer("connections", in: 2...50_000) ?? connections
        connectionsPerSite = try limits.integer("connections-per-site", in: 1...50_000) ?? connectionsPerSite
        connectionsPerAddress =
            try limits.integer("connections-per-address", in: 1...50_000) ?? connectionsPerAddress
        handshakeTime = try limits.seconds("handshake", in: 1...3600) ?? handshakeTime
        headTime = try limits.seconds("head", in: 1...3600) ?? headTime
        idleTime = try limits.seconds("idle", in: 60...86_400) ?? idleTime
        stallTime = try limits.seconds("stall", in: 10...3600) ?? stallTime
        bodyRate = try limits.integer("body-bytes-per-second", in: 1...1_000_000_000) ?? bodyRate
        reservedBytes = (try limits.integer("reserved-mb", in: 1...10_000_000) ?? 64) << 20
        try limits.finish()

        for var entry in try reader.sections("evaluation") {
            guard let name = try entry.text("name"), let manifest = try entry.text("manifest"),
                let origin = try entry.text("origin")
            else { throw reader.wrong("evaluation", "needs name, manifest and origin in each entry") }
            try entry.finish()
            let set = EvaluationSet(name: name, manifest: manifest, origin: origin)
            guard set.isDeclared else {
                throw entry.wrong("origin", "must be synthetic, public or agreement <reference>")
            }
            evaluation.append(set)
        }
        logLevel =
            try reader.value("log", "debug, info, warning or error") {
                ["debug", "info", "warning", "error"].contains($0) ? $0 : nil
            } ?? logLevel
        try reader.finish()
    }

    private static func bound(_ address: Endpoint) -> Endpoint {
        address.isLoopback ? address : Endpoint(host: address.host.contains(":") ? "::" : "0.0.0.0", port: address.port)
    }
}
