import AgentService
import Foundation
import Hummingbird
import Identity
import Logging
import NIOCore
import Transport

/// An enrolled site in a folder of its own, and a coordinator's listener that answers the doctor's questions.
final class DoctorSite: Sendable {
    struct Federation: Sendable {
        let root: RootAuthority
        let authority: Authority

        init() throws {
            root = try Authority.makeRoot(name: "test")
            authority = try root.makeIssuing()
        }
    }

    let federation: Federation
    let folder: String
    let certificateEnd: Date

    /// - Parameter other: whose certificate it holds, when not of the federation it asks.
    init(certifiedBy other: Federation? = nil, lifetime: Int = 86_400 * 7, issued: Date = Date()) throws {
        federation = try Federation()
        folder = NSTemporaryDirectory() + "doctor-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let key = SigningKey()
        let chain = try (other ?? federation).authority.issue(
            CertificateRequest.make(key: key), uri: SubjectName.site("hospital-a", of: "test"), usage: .site,
            lifetime: lifetime, now: issued)
        certificateEnd = try Certificate(pem: chain).notAfter
        try write(chain, to: "tls.pem")
        try write(key.pem, to: "tls.key")
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func write(_ text: String, to name: String) throws {
        let path = folder + "/" + name
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    }

    /// A probe of a machine without fault.
    func probe(_ address: String, proxy: ProxyChoice = .none) -> DoctorProbe {
        var settings = ClientSettings(
            address: address, trust: .root(pem: federation.root.certificate.pem),
            identity: .init(certificate: folder + "/tls.pem", key: folder + "/tls.key"), proxy: proxy)
        settings.patience = .seconds(5)
        settings.connectPatience = .seconds(2)
        var probe = DoctorProbe(
            settings: settings, stateFolder: folder, secrets: [folder + "/tls.key"],
            data: { [DoctorEvidence.Data(manifest: "manifest.csv", cases: 12, problems: [])] })
        probe.certificateEnd = certificateEnd
        probe.sandbox = {
            .init(network: .init(enforced: ["an empty network namespace"]), files: .init(enforced: ["Landlock"]))
        }
        return probe
    }

    /// A coordinator while `body` runs.
    /// - Parameter refusal: what every question is answered with.
    static func serve(
        _ federation: Federation, hosts: [String] = ["127.0.0.1"], lifetime: Int = 3600, issued: Date = Date(),
        refusal: Transport.Refusal? = nil, _ body: (_ port: Int) async throws -> Void
    ) async throws {
        let key = SigningKey()
        let chain = try federation.authority.issue(
            CertificateRequest.make(key: key), uri: SubjectName.coordinator(of: "test"), usage: .server(hosts: hosts),
            lifetime: lifetime, now: issued)
        // A test that has ended waits for nobody.
        var limits = ServerLimits()
        limits.drain = .zero
        let (bound, continuation) = AsyncStream<Int>.makeStream()
        let listener = Listener(
            address: .tcp(port: 0),
            tls: ServerTLS(
                identity: try TLSIdentity(chainPEM: chain, key: key),
                clients: .certified(root: federation.root.certificate)),
            router: router(refusal), limits: limits,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { continuation.yield($0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { continuation.finish() }
                try await listener.run()
            }
            for await port in bound {
                try await body(port)
                group.cancelAll()
                return
            }
            // It ended before it listened: why.
            try await group.waitForAll()
        }
    }

    private static func router(_ refusal: Transport.Refusal?) -> Router<ServiceContext> {
        let router = Router(context: ServiceContext.self)
        router.get("/v1/probe") { request, _ in
            if let refusal { throw refusal }
            let count = request.uri.queryParameters["bytes"].flatMap { Int($0) } ?? 0
            return Response(
                status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(repeating: 7, count: count)))
        }
        router.post("/v1/probe") { request, _ in
            try await request.eachChunk(limit: DoctorProbe.transferBytes) { _ in }
            return Response(status: .noContent)
        }
        return router
    }
}
