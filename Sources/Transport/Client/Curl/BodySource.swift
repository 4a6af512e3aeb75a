import COpenSSL
import CCurl
import Foundation
import Glibc

/// Where the bytes of a request come from; can start again, when libcurl moves the request to another connection.
struct BodySource: ~Copyable {
    private let body: RequestBody
    private let descriptor: Int32
    private var made: [UInt8] = []
    private var position = 0
    /// The transfer's easy handle, while it runs.
    var handle: UnsafeMutableRawPointer?

    init(_ body: RequestBody) throws(TransportError) {
        self.body = body
        var opened: Int32 = -1
        if case .bytes(let bytes) = body { made = bytes }
        if case .file(let path, _, _) = body {
            opened = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
            guard opened >= 0 else {
                throw TransportError(
                    .fileUnusable, "\(path) cannot be read: \(String(cString: strerror(errno))); check its permissions")
            }
        }
        descriptor = opened
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Bytes it has; nil for none at all.
    var count: Int? {
        switch body {
        case .none: nil
        case .bytes(let bytes): bytes.count
        case .file(_, _, let count): count
        case .bound(let count, _): count
        }
    }

    mutating func seek(_ offset: Int) -> Bool {
        guard offset >= 0, offset <= count ?? 0 else { return false }
        position = offset
        if case .bound = body { made = [] }
        return true
    }

    mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(TransportError) -> Int {
        let wanted = min(buffer.count, (count ?? 0) - position)
        guard wanted > 0 else { return 0 }
        if case .file(let path, let offset, _) = body {
            let got = pread(descriptor, buffer.baseAddress, wanted, off_t(offset + position))
            guard got > 0 else {
                throw TransportError(
                    .fileUnusable, "\(path) ended or failed while it was sent; it must not change meanwhile")
            }
            position += got
            return got
        }
        if case .bound(let count, let make) = body, made.isEmpty {
            made = make(try exporter())
            guard made.count == count else {
                throw TransportError(.settings, "a body of \(made.count) bytes was made where \(count) were announced")
            }
        }
        made.withUnsafeBytes {
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[position..<position + wanted]))
        }
        position += wanted
        return wanted
    }

    /// 32 bytes that only the two ends of this connection know (RFC 8446, 7.5).
    private func exporter() throws(TransportError) -> [UInt8] {
        let label = "EXPORTER-consilium-enrol"
        var bytes = [UInt8](repeating: 0, count: 32)
        guard let tls = handle.flatMap({ ccurl_get_tls($0) }),
            SSL_export_keying_material(OpaquePointer(tls), &bytes, 32, label, label.utf8.count, nil, 0, 0) == 1
        else {
            throw TransportError(.handshake, "the connection has no TLS keys to bind the request to; report this")
        }
        return bytes
    }
}
