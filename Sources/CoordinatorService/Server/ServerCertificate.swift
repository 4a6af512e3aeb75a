import Federation
import Foundation
import Identity
import Logging
import ServiceLifecycle
import Transport

/// The serving process's certificate: its key is made at the start, is never on disk, and is made anew with the
/// certificate at two thirds of its life.
final class ServerCertificate: Service {
    let identity: TLSIdentity
    private let authority: Authority
    private let configuration: CoordinatorConfiguration
    private let federation: String
    private let logger: Logger

    init(
        authority: Authority, federation: String, configuration: CoordinatorConfiguration, logger: Logger
    ) throws {
        self.authority = authority
        self.configuration = configuration
        self.federation = federation
        self.logger = logger
        let made = try Self.make(authority, federation, configuration)
        identity = try TLSIdentity(chainPEM: made.chain, key: made.key)
    }

    var expires: Timestamp { Timestamp(identity.leaf.notAfter) }

    /// Renews until told to stop. The wall clock is looked at again and again, since it may jump and machines sleep.
    func run() async throws {
        await cancelWhenGracefulShutdown {
            let life = Double(self.configuration.serverLifetime)
            while (try? await Task.sleep(for: .seconds(min(60, life / 30)))) != nil {
                guard self.identity.leaf.notAfter.timeIntervalSinceNow < life / 3 else { continue }
                do {
                    let made = try Self.make(self.authority, self.federation, self.configuration)
                    try self.identity.replace(chainPEM: made.chain, key: made.key)
                    self.logger.info("The server's certificate was renewed", metadata: ["until": "\(self.expires)"])
                } catch {
                    self.logger.error("The server's certificate cannot be renewed: \(error)")
                }
            }
        }
    }

    /// The chain ends in the root, since a site that enrols knows the root's digest only.
    private static func make(
        _ authority: Authority, _ federation: String, _ configuration: CoordinatorConfiguration
    ) throws -> (chain: String, key: SigningKey) {
        let key = SigningKey()
        let host = configuration.address.host
        let hosts = configuration.address.isLoopback ? Set([host, "localhost", "127.0.0.1"]).sorted() : [host]
        let chain = try authority.issue(
            CertificateRequest.make(key: key), uri: SubjectName.coordinator(of: federation),
            usage: .server(hosts: hosts), lifetime: configuration.serverLifetime)
        return (chain + authority.root.pem, key)
    }
}
