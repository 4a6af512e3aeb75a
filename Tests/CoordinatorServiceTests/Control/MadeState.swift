import CoordinatorService
import Federation
import Foundation
import Identity

/// A federation in a folder that is gone after the test.
struct MadeState {
    let folder: StateFolder
    let configuration: CoordinatorConfiguration
    let federation: String

    /// A path beside the state folder, gone after the test, too.
    func beside(_ name: String) -> String { folder.path + "." + name }

    static func with(
        configure: (inout CoordinatorConfiguration) -> Void = { _ in },
        _ body: (MadeState) async throws -> Void
    ) async throws {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("co-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: root) }
        let folder = StateFolder(root.path + "/state")
        var configuration = CoordinatorConfiguration(
            name: "made", address: .init(host: "127.0.0.1", port: 0), enrolmentPort: 8444)
        configure(&configuration)
        let federation = try await Founding(folder: folder, configuration: configuration).run()
        try await body(MadeState(folder: folder, configuration: configuration, federation: federation))
    }

    /// The folder opened, as by a command that works alone.
    func open() async throws -> (coordinator: Coordinator, desk: EnrolmentDesk) {
        let coordinator = try await Coordinator.idle(folder)
        let desk = EnrolmentDesk(
            coordinator: coordinator, authority: try AuthorityFolder(folder).authority(), configuration: configuration)
        return (coordinator, desk)
    }
}

/// A site that enrols: its two keys.
struct Applicant {
    let site: String
    let key = SigningKey()
    let signing = SigningKey()

    func request(_ code: EnrolmentCode, exporter: [UInt8], name: String? = nil) throws -> EnrolmentRequest {
        let asked = try CertificateRequest.make(key: key)
        return EnrolmentRequest(
            site: name ?? site, request: asked.pem, signingKey: signing.publicKey.hex,
            confirmation: EnrolmentCode.confirmation(
                key: code.confirmationKey, request: asked.spki, signingKey: signing.publicKey, exporter: exporter))
    }
}
