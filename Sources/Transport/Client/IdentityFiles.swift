import Foundation
import Glibc
import Identity
import Synchronization

/// A client's certificate and key, read from their files whenever these have changed: certificates renew weekly, under
/// a running program.
final class IdentityFiles: Sendable {
    struct Contents: Sendable {
        var chain: [UInt8]
        var key: [UInt8]
        var notAfter: Date
    }

    /// What tells one version of a file from another.
    private struct Version: Equatable {
        var device: UInt64
        var inode: UInt64
        var size: Int
        var seconds: Int
        var nanoseconds: Int
    }

    private let paths: ClientSettings.Identity
    private let kept = Mutex<(versions: [Version], contents: Contents)?>(nil)

    init(_ paths: ClientSettings.Identity) { self.paths = paths }

    func read() throws(TransportError) -> Contents {
        let versions = [try version(paths.certificate), try version(paths.key)]
        if let contents = kept.withLock({ $0?.versions == versions ? $0?.contents : nil }) { return contents }
        let chain = try bytes(paths.certificate)
        let key = try bytes(paths.key)
        guard let leaf = try? Certificate(pem: String(decoding: chain, as: UTF8.self)) else {
            throw TransportError(
                .identityUnusable,
                "\(paths.certificate) is not a certificate in PEM; enrol this site again or restore the file")
        }
        let contents = Contents(chain: chain, key: key, notAfter: leaf.notAfter)
        kept.withLock { $0 = (versions, contents) }
        return contents
    }

    private func version(_ path: String) throws(TransportError) -> Version {
        var status = stat()
        guard stat(path, &status) == 0 else { throw unreadable(path) }
        return Version(
            device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int(status.st_size),
            seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
    }

    /// A certificate or key, at most 64 KiB.
    private func bytes(_ path: String) throws(TransportError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(path) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count > 0 else { throw unreadable(path) }
        return Array(bytes[..<count])
    }

    private func unreadable(_ path: String) -> TransportError {
        TransportError(
            .identityUnusable,
            "\(path) cannot be read (\(String(cString: strerror(errno)))); enrol this site or correct the permissions")
    }
}
