import Federation
import Files
import Foundation
import Glibc
import Identity
import Logging

/// Makes a federation: its state folder, its authority, the first row of its transcript.
package struct Founding: Sendable {
    private let folder: StateFolder
    private let configuration: CoordinatorConfiguration

    package init(folder: StateFolder, configuration: CoordinatorConfiguration) {
        self.folder = folder
        self.configuration = configuration
    }

    /// - Returns: the federation's name in all messages: the one that was asked for and twelve random digits, so that
    ///   no two federations are taken for one another.
    /// - Throws: ``OperatorError`` when there is one already; a founding that fails leaves nothing behind.
    package func run() async throws -> String {
        let random = Hexadecimal.encode(Random.bytes(6))
        let federation = "\(configuration.name)-\(random)"
        guard Name.isValid(federation) else {
            throw OperatorError("\(configuration.name) is not a name; use 1 to 50 of a-z, 0-9 and -")
        }
        if let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path), !names.isEmpty {
            throw OperatorError(
                folder.isInitialised
                    ? "\(folder.path) already holds a coordinator; give another folder with --state, or serve this one"
                    : "\(folder.path) is not empty; give a new or an empty folder with --state")
        }
        // Made elsewhere and renamed: there is a whole coordinator or none.
        let making = StateFolder("\(folder.path).founding")
        try? FileManager.default.removeItem(atPath: making.path)
        do {
            try await fill(making, federation: federation)
            rmdir(folder.path)
            guard rename(making.path, folder.path) == 0 else {
                throw OperatorError("\(folder.path) cannot be made: \(String(cString: strerror(errno)))")
            }
            DurableFile.synchronise(folder: DiskSpace.folder(of: folder.path))
        } catch {
            try? FileManager.default.removeItem(atPath: making.path)
            throw error
        }
        return federation
    }

    private func fill(_ making: StateFolder, federation: String) async throws {
        try FolderCopy.prepare(making.path)
        try FolderCopy.prepare(making.authority)
        let keys = try AuthorityFolder(making).make(federation: federation)
        try DurableFile.write(configuration.yaml.utf8, to: making.configuration)
        let coordinator = try await Coordinator.idle(making)
        try await coordinator.perform(
            .createFederation(
                name: federation, coordinatorKey: keys.signingKey.publicKey.hex, rootKey: keys.rootKey),
            by: "operator")
        try coordinator.store.close()
    }
}

extension Coordinator {
    /// A coordinator that serves nobody: for commands that hold the lock themselves.
    package static func idle(_ folder: StateFolder) async throws -> Coordinator {
        try await Coordinator(
            folder: folder, signingKey: AuthorityFolder(folder).signingKey(),
            means: CoordinatorMeans(
                evaluate: { _, _ in throw OperatorError("nothing is evaluated while the coordinator does not serve") },
                cut: { _ in }),
            logger: Logger(label: "consilium.coordinator"), reserve: 0)
    }
}
