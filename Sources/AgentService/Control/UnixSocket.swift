import Foundation
import Glibc

/// A stream socket named by a file, for one line of JSON each way.
struct UnixSocket: ~Copyable {
    private let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    private static func make() -> Int32 {
        socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    }

    /// Calls a function with the address of a socket in a folder. The folder is named by its descriptor, since an
    /// address holds only 107 bytes of path.
    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        let folder = open((path as NSString).deletingLastPathComponent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return -1 }
        defer { close(folder) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let short = "/proc/self/fd/\(folder)/\((path as NSString).lastPathComponent)"
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { room in
            guard short.utf8.count < room.count else { return false }
            room.copyBytes(from: short.utf8)
            return true
        }
        guard fits else { return -1 }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    /// A socket that listens at a path, for the owner only; what lay there before is replaced.
    static func listening(at path: String) throws -> UnixSocket {
        let made = UnixSocket(make())
        unlink(path)
        let before = umask(0o177)
        let bound = withAddress(path) { bind(made.descriptor, $0, $1) }
        umask(before)
        guard made.descriptor >= 0, bound == 0, listen(made.descriptor, 16) == 0 else {
            throw AgentError(.state, "\(path) cannot be made; check that the folder may be written")
        }
        return made
    }

    /// nil if nobody listens there.
    static func connected(to path: String) -> UnixSocket? {
        let made = UnixSocket(make())
        guard made.descriptor >= 0, withAddress(path, { connect(made.descriptor, $0, $1) }) == 0 else { return nil }
        return made
    }

    /// The next connection, or nil after `seconds`.
    func accepted(seconds: Int) -> UnixSocket? {
        guard waits(seconds: seconds) else { return nil }
        let peer = accept(descriptor, nil, nil)
        guard peer >= 0 else { return nil }
        _ = fcntl(peer, F_SETFD, FD_CLOEXEC)
        return UnixSocket(peer)
    }

    private func waits(seconds: Int) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, Int32(seconds * 1000)) > 0
    }

    /// Whether the process at the other end belongs to this user or to root.
    var isOurs: Bool {
        // struct ucred: process, user, group.
        var credentials: [UInt32] = [0, 0, 0]
        var size = socklen_t(credentials.count * MemoryLayout<UInt32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 else { return false }
        return credentials[1] == geteuid() || credentials[1] == 0
    }

    /// Writes all bytes and a line's end.
    func write(line: Data) -> Bool {
        var bytes = Array(line) + [10]
        while !bytes.isEmpty {
            let count = send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            guard count > 0 else { return false }
            bytes.removeFirst(count)
        }
        return true
    }

    /// Reads up to a line's end: nil when it is longer than `limit`, cut off, or not there within `seconds`.
    func line(limit: Int, seconds: Int) -> Data? {
        var line = Data()
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while line.count <= limit, waits(seconds: seconds) {
            let count = recv(descriptor, &piece, piece.count, 0)
            guard count > 0 else { return nil }
            line.append(contentsOf: piece[..<count])
            if piece[count - 1] == 10 { return line.dropLast() }
        }
        return nil
    }
}
