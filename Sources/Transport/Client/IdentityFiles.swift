import Foundation
import Glibc
import Identity
import Synchronization

/// A client's certificate and key, read from their files for every request: certificates renew weekly, under a running
/// program.
final class IdentityFiles: Sendable {
    struct Contents: Sendable {
        var chain: [UInt8]
        var key: [UInt8]
        var notAfter: Date
        /// Whether the certificate is the key's.
        var isPair: Bool
    }

    private let paths: ClientSettings.Identity
    private let kept = Mutex<Contents?>(nil)

    init(_ paths: ClientSettings.Identity) { self.paths = paths }

    func read() throws(TransportError) -> Contents {
        // A renewal puts one file in place after the other: read in between, they are told to belong together for a while.
        for _ in 0..<100 {
            let contents = try look()
            if contents.isPair { return contents }
            usleep(5_000)
        }
        return try look()
    }

    private func look() throws(TransportError) -> Contents {
        let key = try bytes(paths.key)
        let chain = try bytes(paths.certificate)
        if let contents = kept.withLock({ $0 }), contents.chain == chain, contents.key == key { return contents }
        guard let leaf = try? Certificate(pem: String(decoding: chain, as: UTF8.self)) else {
            throw TransportError(
                .identityUnusable,
                "\(paths.certificate) is not a certificate in PEM; enrol this site again or restore the file")
        }
        // A key that cannot be read is for the connection itself to complain of.
        let own = try? SigningKey(pem: String(decoding: key, as: UTF8.self))
        let contents = Contents(
            chain: chain, key: key, notAfter: leaf.notAfter, isPair: own == nil || own?.spki == leaf.spki)
        if contents.isPair { kept.withLock { $0 = contents } }
        return contents
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
