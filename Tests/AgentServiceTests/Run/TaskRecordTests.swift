import AgentService
import Federation
import Foundation
import Testing

@Suite("What an agent keeps of a task")
struct TaskRecordTests {
    @Test("a file that comes and goes while it is read is there or not there, never unreadable")
    func comesAndGoes() async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("record-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let state = StateFolder(path)
        try state.make()
        let record = TaskRecord(state: state, round: SiteFixture.round, kind: .train)
        try FileManager.default.createDirectory(
            atPath: "\(state.work)/\(record.id)", withIntermediateDirectories: true)
        let writing = Task.detached {
            for _ in 0..<1000 {
                try record.end(.init(.sent, at: Timestamp(Date())))
                try record.reopen()
            }
        }
        let reading = Task.detached { while !Task.isCancelled { _ = try record.outcome } }
        defer { reading.cancel() }
        try await writing.value
        reading.cancel()
        try await reading.value
        #expect(try record.outcome == nil)
    }
}
