import Foundation
import Glibc

extension StateFolder {
    /// Certificates and private keys.
    package var authority: String { path + "/authority" }
    package var controlSocket: String { path + "/control.sock" }
    package var configuration: String { path + "/coordinator.yaml" }

    /// A file of the authority's folder, such as `root.key`.
    package func authority(_ name: String) -> String { "\(authority)/\(name)" }

    /// Private keys. `root.key` may have been taken off the host.
    package static var keys: [String] { ["root.key", "issuing.key", "signing.key"] }

    /// Whether a coordinator lives here.
    package var isInitialised: Bool { access(database, F_OK) == 0 && access(configuration, F_OK) == 0 }

    /// Checks that a coordinator lives here and that nobody else can read its keys.
    /// - Throws: ``OperatorError`` naming the first thing that is wrong.
    package func check() throws(OperatorError) {
        guard isInitialised else {
            throw OperatorError(
                "\(path) holds no coordinator; name its folder with --state, or make one with coordinator init")
        }
        try check(path, isFolder: true)
        try check(authority, isFolder: true)
        for name in Self.keys where name != "root.key" || access(authority(name), F_OK) == 0 {
            try check(authority(name), isFolder: false)
        }
    }

    private func check(_ path: String, isFolder: Bool) throws(OperatorError) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            throw OperatorError("\(path) is missing; restore it from a backup")
        }
        guard status.st_mode & S_IFMT == (isFolder ? S_IFDIR : S_IFREG) else {
            throw OperatorError("\(path) is not a \(isFolder ? "folder" : "regular file"); restore it from a backup")
        }
        guard status.st_uid == geteuid() else {
            throw OperatorError("\(path) belongs to user \(status.st_uid), not to you; run as its owner")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw OperatorError("\(path) can be read by others; run chmod \(isFolder ? "700" : "600") \(path)")
        }
    }
}
