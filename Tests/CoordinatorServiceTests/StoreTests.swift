import CoordinatorService
import Federation
import Foundation
import GRDB
import Testing

@Suite("Store") struct StoreTests {
    @Test("a state folder has one owner at a time")
    func oneOwner() async throws {
        let federation = try TestFederation()
        let coordinator = try await federation.open()
        let error = await #expect(throws: StoreError.self) { try await federation.open() }
        #expect(error?.code == .locked)
        // A connection of another program is refused too.
        #expect(throws: DatabaseError.self) {
            try DatabaseQueue(path: federation.folder.database).read { db in
                try Int.fetchOne(db, sql: "SELECT count(*) FROM transcript")
            }
        }
        try coordinator.store.close()
    }

    @Test("a file that is not ours, of a newer program, or damaged is refused with the reason")
    func foreignFiles() throws {
        func attempt(_ prepare: (StateFolder) throws -> Void) throws -> StoreError? {
            let federation = try TestFederation()
            try federation.folder.make()
            try prepare(federation.folder)
            do { _ = try Store(federation.folder, reserve: 0) } catch { return error }
            return nil
        }
        let foreign = try attempt { folder in
            try DatabaseQueue(path: folder.database).write { try $0.execute(sql: "CREATE TABLE a (b)") }
        }
        #expect(foreign?.code == .notOurs)
        let newer = try attempt { folder in
            try Store(folder, reserve: 0).close()
            try DatabaseQueue(path: folder.database).writeWithoutTransaction {
                try $0.execute(sql: "PRAGMA user_version = 99")
            }
        }
        #expect(newer?.code == .notOurs && newer?.description.contains("newer") == true)
        let damaged = try attempt { folder in
            try Store(folder, reserve: 0).close()
            let file = try #require(FileHandle(forUpdatingAtPath: folder.database))
            try file.seek(toOffset: 4096)
            try file.write(contentsOf: Data(repeating: 0xa5, count: 4096))
            try file.close()
        }
        #expect(damaged?.code == .damaged)
    }

    @Test(
        "a changed, missing or reordered row of the transcript is found, with its number",
        arguments: [
            ("UPDATE transcript SET text = replace(text, 'hospital-a', 'hospital-z') WHERE sequence = 3", 3),
            ("UPDATE transcript SET time = time + 1 WHERE sequence = 4", 4),
            ("DELETE FROM transcript WHERE sequence = 2", 2),
            ("UPDATE transcript SET hash = previous WHERE sequence = 5", 5),
        ])
    func chain(_ change: String, _ row: Int) async throws {
        let federation = try TestFederation()
        let coordinator = try await federation.open()
        for name in ["hospital-a", "hospital-b"] { _ = try await federation.site(name, with: coordinator) }
        try coordinator.store.close()
        let queue = try DatabaseQueue(path: federation.folder.database)
        try await queue.write { try $0.execute(sql: change) }
        try queue.close()
        let error = await #expect(throws: TranscriptError.self) { try await federation.open() }
        #expect(error?.row == row)
    }
}
