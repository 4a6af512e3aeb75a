import Foundation
import Glibc

/// Blocking TCP sockets.
enum Socket {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// A listener on 127.0.0.1 and a free port.
    static func listen() throws -> (descriptor: Int32, port: Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let failed = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) != 0 || Glibc.listen(descriptor, 512) != 0
                    || getsockname(descriptor, $0, &size) != 0
            }
        }
        guard descriptor >= 0, !failed else { throw Failure(description: "no port on loopback: errno \(errno)") }
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }

    /// The next connection; nil when the listener was shut down.
    static func accept(_ listener: Int32) -> Int32? {
        while true {
            let descriptor = Glibc.accept(listener, nil, nil)
            if descriptor >= 0 {
                withoutDelay(descriptor)
                return descriptor
            }
            guard errno == EINTR || errno == ECONNABORTED else { return nil }
        }
    }

    static func connect(host: String, port: Int) -> Int32? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &found) == 0 else { return nil }
        defer { freeaddrinfo(found) }
        var next = found
        while let entry = next?.pointee {
            let kind = entry.ai_socktype | Int32(SOCK_CLOEXEC.rawValue)
            let descriptor = socket(entry.ai_family, kind, entry.ai_protocol)
            if descriptor >= 0, Glibc.connect(descriptor, entry.ai_addr, entry.ai_addrlen) == 0 {
                // A line holds nothing back of its own that a cut would lose.
                var most: Int32 = 256 << 10
                setsockopt(
                    descriptor, Int32(IPPROTO_TCP), TCP_NOTSENT_LOWAT, &most, socklen_t(MemoryLayout<Int32>.size))
                withoutDelay(descriptor)
                return descriptor
            }
            if descriptor >= 0 { close(descriptor) }
            next = entry.ai_next
        }
        return nil
    }

    /// Sends all bytes; false when the other side is gone.
    static func send(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Bool {
        bytes.withUnsafeBytes { raw in
            var done = 0
            while done < raw.count {
                let rest = UnsafeRawBufferPointer(rebasing: raw[done...])
                let count = Glibc.send(descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
                if count > 0 { done += count } else if errno != EINTR { return false }
            }
            return true
        }
    }

    /// What has come, at most `most` bytes; empty at the end of the stream.
    static func receive(_ descriptor: Int32, most: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: most) { buffer, count in
            var got = recv(descriptor, buffer.baseAddress, most, 0)
            while got < 0, errno == EINTR { got = recv(descriptor, buffer.baseAddress, most, 0) }
            count = max(0, got)
        }
    }

    /// Closes with RST.
    static func reset(_ descriptor: Int32) {
        resetWhenClosed(descriptor)
        close(descriptor)
    }

    static func resetWhenClosed(_ descriptor: Int32) {
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
    }

    private static func withoutDelay(_ descriptor: Int32) {
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    }
}
