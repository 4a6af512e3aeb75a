import CoordinatorService
import Federation
import Foundation
import Glibc
import Testing
import Transport

@Suite("A full disk") struct DiskTests {
    static let isRoot = geteuid() == 0

    /// A file system in memory, unmounted at the end.
    private func withDisk(_ megabytes: Int, _ body: (String) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "consilium-disk-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        guard mount("tmpfs", path, "tmpfs", 0, "size=\(megabytes)m,mode=700") == 0 else {
            throw TestError("no tmpfs can be mounted: \(String(cString: strerror(errno)))")
        }
        defer { umount2(path, Int32(2)) }
        try await body(path)
    }

    @Test(
        "refuses updates with 507, still takes revocations, and goes on when there is space",
        .enabled(if: isRoot, "mounting a small file system needs root"))
    func full() async throws {
        try await withDisk(24) { path in
            let federation = try TestFederation()
            let folder = StateFolder(path + "/state")
            let coordinator = try await federation.open(folder, reserve: 4 << 20)
            let site = try await federation.site("hospital-a", with: coordinator)
            let other = try await federation.site("hospital-b", with: coordinator)
            try await coordinator.perform(.createStudy(text: TestFederation.plan()))
            try await federation.serving(coordinator) { port in
                for one in [site, other] { try await one.consent(one.client(port)) }
                try await eventually("the initial model is made") { coordinator.state.studies["glioma"]?.base != nil }
                try await coordinator.perform(.startStudy(study: "glioma"))
                let client = site.client(port)
                let update = try site.update(try await site.assignment(client), seed: 1)
                #expect(coordinator.store.reserve.isHeld)
                Self.fill(path + "/ballast")
                do {
                    _ = try await site.open(update.header, client)
                    Issue.record("an update was taken on a full disk")
                } catch let error as TransportError {
                    #expect(error.code == .serverFull || error.problem?.status == 507)
                }
                // As many rows as fit only into what was held back.
                for number in 0..<20 {
                    try await coordinator.perform(
                        .issueCode(
                            site: "hospital-\(number)", expires: Timestamp(milliseconds: Int64(number))))
                }
                try await coordinator.perform(.revokeSite(site: other.name, reason: "a test"))
                #expect(coordinator.state.sites[other.name]?.standing == .revoked)
                try FileManager.default.removeItem(atPath: path + "/ballast")
                let sent = try await site.submit(update, client)
                #expect(sent.receipt != nil)
            }
            try coordinator.store.close()
        }
    }

    private static func fill(_ path: String) {
        let descriptor = open(path, O_WRONLY | O_CREAT, 0o600)
        defer { close(descriptor) }
        let page = [UInt8](repeating: 1, count: 4096)
        while write(descriptor, page, page.count) > 0 {}
    }
}
