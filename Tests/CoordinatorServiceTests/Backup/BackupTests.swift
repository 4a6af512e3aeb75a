import CoordinatorService
import Federation
import Foundation
import Identity
import Testing
import Transport

@Suite struct BackupTests {
    @Test("a backup taken while the record grows restores to one moment of it")
    func drill() async throws {
        try await MadeState.with { made in
            let desk = try await OperatorDesk.alone(made.folder)
            let coordinator = desk.coordinator
            for number in 0..<3 {
                try await keep([UInt8](repeating: UInt8(number), count: 100_000), in: made, by: coordinator)
            }
            let growing = Task {
                var number = 0
                while !Task.isCancelled {
                    number += 1
                    let expires = Timestamp(Date()).advanced(seconds: 60)
                    try await coordinator.perform(.issueCode(site: "site-\(number % 50)", expires: expires))
                }
            }
            let answer = try await BackUp(folder: made.beside("backup")).carryOut(at: desk)
            growing.cancel()
            _ = await growing.result
            #expect(answer.objects == 3 && answer.bytes == 300_000)
            let newer = coordinator.head
            let identity = (coordinator.state.name, coordinator.state.coordinatorKey, coordinator.state.rootKey)
            try coordinator.store.close()

            let target = StateFolder(made.beside("restored"))
            let head = try await Restoration(from: made.beside("backup"), to: target).run()
            #expect(head.sequence == answer.head.sequence + 1)
            let restored = try await OperatorDesk.alone(target)
            let checked = try await VerifyTranscript().carryOut(at: restored)
            #expect(checked.head == head && checked.damaged.isEmpty && checked.objects == 3)
            let state = restored.coordinator.state
            #expect((state.name, state.coordinatorKey, state.rootKey) == identity)
            #expect(state.restores.map(\.head) == [answer.head])
            // What a site saw after the backup is not part of this history, and it will notice.
            #expect(try await restored.coordinator.store.knows(answer.head))
            #expect(try await restored.coordinator.store.knows(newer) == (newer == answer.head))
            try restored.coordinator.store.close()
        }
    }

    @Test("a site that renewed its key after the backup is let in again, one that was revoked since is not")
    func renewedSince() async throws {
        try await MadeState.with { made in
            let desk = try await OperatorDesk.alone(made.folder)
            let coordinator = desk.coordinator
            let name = try #require(coordinator.state.name)
            func key(_ digit: Character) -> String { String(repeating: digit, count: 64) }
            for (site, digit) in [("hospital-a", Character("a")), ("hospital-b", "b")] {
                let expires = Timestamp(Date()).advanced(seconds: 60)
                try await coordinator.perform(.issueCode(site: site, expires: expires))
                try await coordinator.perform(
                    .requestEnrolment(site: site, publicKey: key(digit), signingKey: key(digit == "a" ? "1" : "2")))
                try await coordinator.perform(.approveSite(site: site, publicKey: key(digit)))
            }
            _ = try await BackUp(folder: made.beside("backup")).carryOut(at: desk)
            try coordinator.store.close()
            // Certificates are told apart by whole seconds.
            let since = try #require(coordinator.state.sites["hospital-b"]?.approved).date
            while Date() < since.addingTimeInterval(2) { try await Task.sleep(for: .milliseconds(50)) }
            let target = StateFolder(made.beside("restored"))
            _ = try await Restoration(from: made.beside("backup"), to: target).run()
            let restored = try await OperatorDesk.alone(target).coordinator

            func peer(_ site: String, _ digit: Character, issued: Date) -> PeerIdentity {
                PeerIdentity(
                    publicKey: key(digit), uris: [SubjectName.site(site, of: name)],
                    notBefore: issued.addingTimeInterval(-Authority.head), notAfter: issued.addingTimeInterval(3600))
            }
            let lost = since.addingTimeInterval(1)
            #expect(await restored.letBackIn(peer("hospital-c", "c", issued: lost)) == nil)
            #expect(await restored.letBackIn(peer("hospital-a", "d", issued: since.addingTimeInterval(-60))) == nil)
            #expect(await restored.letBackIn(peer("hospital-a", "d", issued: Date().addingTimeInterval(60))) == nil)
            #expect(restored.site(publicKey: key("d")) == nil)
            #expect(await restored.letBackIn(peer("hospital-a", "d", issued: lost)) == "hospital-a")
            #expect(restored.site(publicKey: key("d")) == "hospital-a")
            try await restored.perform(.revokeSite(site: "hospital-b", reason: "again"))
            #expect(await restored.letBackIn(peer("hospital-b", "e", issued: lost)) == nil)
            try restored.store.close()
        }
    }

    @Test("a backup that is cut short, changed or missing bytes is refused, and nothing is left behind")
    func damaged() async throws {
        try await MadeState.with { made in
            let desk = try await OperatorDesk.alone(made.folder)
            let object = try await keep(Array("a model".utf8), in: made, by: desk.coordinator)
            let backup = made.beside("backup")
            _ = try await BackUp(folder: backup).carryOut(at: desk)
            try desk.coordinator.store.close()
            let target = StateFolder(made.beside("restored"))

            let copy = StateFolder(made.beside("copy"))
            func spoilt(_ spoil: () throws -> Void) async throws -> String? {
                try? FileManager.default.removeItem(atPath: copy.path)
                try FileManager.default.copyItem(atPath: backup, toPath: copy.path)
                try spoil()
                defer {
                    #expect(!FileManager.default.fileExists(atPath: target.path))
                    #expect(!FileManager.default.fileExists(atPath: target.path + ".restoring"))
                }
                do {
                    _ = try await Restoration(from: copy.path, to: target).run()
                    return nil
                } catch { return "\(error)" }
            }
            let path = ObjectStore(copy).path(of: object.digest)
            #expect(
                try await spoilt { try FileManager.default.removeItem(atPath: copy.path + "/backup.json") }?
                    .contains("is no finished backup") == true)
            #expect(
                try await spoilt { try Data("a modem".utf8).write(to: URL(fileURLWithPath: path)) }?
                    .contains("is damaged") == true)
            #expect(
                try await spoilt { try FileManager.default.removeItem(atPath: path) }?
                    .contains("is damaged") == true)
            let changed = try await spoilt {
                let database = URL(fileURLWithPath: copy.database)
                var data = try Data(contentsOf: database)
                let place = try #require(data.range(of: Data("federationCreated".utf8)))
                data[place.lowerBound] = UInt8(ascii: "F")
                try data.write(to: database)
            }
            #expect(changed?.contains("row 1") == true, "\(changed ?? "accepted")")
        }
    }

    @Test("backup and restore refuse a folder that is not empty")
    func occupied() async throws {
        try await MadeState.with { made in
            let desk = try await OperatorDesk.alone(made.folder)
            _ = try await BackUp(folder: made.beside("backup")).carryOut(at: desk)
            await #expect(throws: OperatorError.self) {
                try await BackUp(folder: made.beside("backup")).carryOut(at: desk)
            }
            try desk.coordinator.store.close()
            await #expect(throws: OperatorError.self) {
                try await Restoration(from: made.beside("backup"), to: made.folder).run()
            }
        }
    }

    @Test("the root key is taken away, and nothing that serves needs it")
    func rootKey() async throws {
        try await MadeState.with { made in
            let file = made.beside("root.key")
            try RootKey(folder: made.folder).export(to: file, remove: true)
            #expect(FileManager.default.fileExists(atPath: file))
            #expect(!FileManager.default.fileExists(atPath: made.folder.authority("root.key")))
            try made.folder.check()
            let (coordinator, desk) = try await made.open()
            _ = try await desk.issueCode(site: "hospital-a", automatic: false)
            try coordinator.store.close()
            #expect(throws: OperatorError.self) { try RootKey(folder: made.folder).export(to: file, remove: false) }
        }
    }

    @discardableResult
    private func keep(_ bytes: [UInt8], in made: MadeState, by coordinator: Coordinator) async throws -> ObjectReference
    {
        let file = made.beside("weights")
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        return try await coordinator.bring(file)
    }
}
