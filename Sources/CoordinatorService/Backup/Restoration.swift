import Cryptography
package import Federation
import Files
import Foundation
import Glibc

/// Makes a state folder from a backup.
package struct Restoration: Sendable {
    private let source: StateFolder
    private let target: StateFolder

    package init(from backup: String, to target: StateFolder) {
        source = StateFolder(backup)
        self.target = target
    }

    /// Copies, checks, records the restoration, and only then gives the folder its name.
    /// - Returns: the transcript's end, with the row that says so.
    /// - Throws: ``OperatorError`` naming what is wrong; nothing is left behind.
    package func run() async throws -> TranscriptHead {
        guard let text = FileManager.default.contents(atPath: source.path + "/" + BackupRecord.name),
            let record = try? JSONDecoder().decode(BackupRecord.self, from: text)
        else { throw OperatorError("\(source.path) is no finished backup; give a folder made by coordinator backup") }
        if let names = try? FileManager.default.contentsOfDirectory(atPath: target.path), !names.isEmpty {
            throw OperatorError("\(target.path) is not empty; give a new or an empty folder with --state")
        }
        let making = StateFolder(target.path + ".restoring")
        try? FileManager.default.removeItem(atPath: making.path)
        do {
            try copy(to: making)
            let head = try await check(making, against: record)
            rmdir(target.path)
            guard rename(making.path, target.path) == 0 else {
                throw OperatorError("\(target.path) cannot be made: \(String(cString: strerror(errno)))")
            }
            DurableFile.synchronise(folder: DiskSpace.folder(of: target.path))
            return head
        } catch {
            try? FileManager.default.removeItem(atPath: making.path)
            throw error
        }
    }

    private func copy(to making: StateFolder) throws {
        try FolderCopy.prepare(making.path)
        for folder in [making.authority, making.objects] { mkdir(folder, 0o700) }
        try FolderCopy.copy(source.database, to: making.database)
        try FolderCopy.copy(source.configuration, to: making.configuration)
        for name in ObjectStore.names(in: source.authority) {
            try FolderCopy.copy(source.authority(name), to: making.authority(name))
        }
        let from = ObjectStore(source)
        let to = ObjectStore(making)
        for digest in from.files() {
            mkdir(DiskSpace.folder(of: to.path(of: digest)), 0o700)
            // A copy, never another name: what happens to the backup later must not happen to this.
            try FolderCopy.copy(from.path(of: digest), to: to.path(of: digest))
        }
    }

    private func check(_ making: StateFolder, against record: BackupRecord) async throws -> TranscriptHead {
        try making.check()
        // Before the coordinator opens it, which would put the objects in order.
        let objects = ObjectStore(making)
        let digests = objects.files()
        guard digests.count == record.objects,
            digests.allSatisfy({ SHA256.hex(ofFile: objects.path(of: $0)) == $0 })
        else {
            throw OperatorError("\(source.path) is damaged: objects are missing or changed; restore an older backup")
        }
        let coordinator = try await Coordinator.idle(making)
        let verified = try await RecordCheck(coordinator).run()
        guard verified.head == record.head else {
            throw OperatorError("\(source.path) does not hold the rows it claims; restore an older backup")
        }
        if let damage = verified.damaged.first {
            throw OperatorError("\(source.path) is damaged (\(damage)); restore an older backup")
        }
        try await coordinator.perform(
            .recordRestore(from: record.head, reason: "restored from the backup of \(record.made)"), by: "operator")
        let head = coordinator.head
        try coordinator.store.close()
        return head
    }
}
