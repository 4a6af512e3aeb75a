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
        try DatabaseQueue(path: federation.folder.database).write { try $0.execute(sql: change) }
        let error = await #expect(throws: TranscriptError.self) { try await federation.open() }
        #expect(error?.row == row)
    }

    @Test("a code is burned by the fifth wrong answer, and counts them over a restart")
    func codes() async throws {
        let federation = try TestFederation()
        let now = Timestamp(milliseconds: 1_000_000)
        var store = try Store(federation.folder, reserve: 0)
        try await store.setCode(
            EnrolmentCodeRecord(site: "hospital-a", secret: "digest", expires: now.advanced(seconds: 60)))
        #expect(try await store.tryCode(of: "hospital-a", at: now) { $0 == "digest" } == .right)
        for left in [4, 3, 2, 1] {
            try store.close()
            store = try Store(federation.folder, reserve: 0)
            #expect(try await store.tryCode(of: "hospital-a", at: now) { _ in false } == .wrong(triesLeft: left))
        }
        #expect(try await store.tryCode(of: "hospital-a", at: now) { _ in false } == .burned)
        #expect(try await store.tryCode(of: "hospital-a", at: now) { _ in true } == .none)
        try await store.setCode(EnrolmentCodeRecord(site: "hospital-a", secret: "digest", expires: now))
        #expect(try await store.tryCode(of: "hospital-a", at: now) { _ in true } == .none)
    }
}
