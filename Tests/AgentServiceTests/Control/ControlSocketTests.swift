import AgentService
import Foundation
import Testing

@Suite("The agent's control socket")
struct ControlSocketTests {
    @Test("a command is answered at a socket for the owner only, even below a long path")
    func asks() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "control-\(UUID().uuidString)/" + String(repeating: "long-", count: 30)
        ).path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/control.sock"
        #expect(try ControlClient.ask(.init(.status), at: path) == nil)
        let server = try ControlServer(path) { ControlAnswer(done: "\($0.command.rawValue) \($0.id ?? "")") }
        #expect(try ControlClient.ask(.init(.approve, id: "x"), at: path)?.done == "approve x")
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        server.end()
        #expect(try ControlClient.ask(.init(.status), at: path) == nil)
    }

    @Test("only one agent holds a folder")
    func lock() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let first = try FolderLock.take(path)
        let second = try FolderLock.take(path)
        #expect(first != nil && second == nil)
        withExtendedLifetime(first) {}
    }
}
