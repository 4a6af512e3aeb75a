import COpenSSL
import Identity
import NIOCore

/// One connection's TLS: ciphertext and plaintext in buffers, no socket. It belongs to one event loop.
final class TLSSession {
    enum Outcome: Equatable {
        case done
        /// More ciphertext is needed.
        case wantsRead
        /// The peer closed its side with a close_notify.
        case closed
        case failed(TLSError)
    }

    private let context: SSLContext
    private let ssl: OpaquePointer
    /// Ciphertext from the peer that OpenSSL has not taken yet.
    private var incoming = CircularBuffer<ByteBuffer>()
    private var outgoing = ByteBuffer()

    init(_ context: SSLContext) throws {
        guard let ssl = SSL_new(context.raw) else { throw TLSError(.handshake, "OpenSSL cannot make a connection") }
        self.context = context
        self.ssl = ssl
        guard let bio = BIO_new(SessionBIO.method) else {
            SSL_free(ssl)
            throw TLSError(.handshake, "OpenSSL cannot make a connection")
        }
        // Unretained: SSL and BIO end in this object's deinit.
        BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        BIO_set_init(bio, 1)
        SSL_set_bio(ssl, bio, bio)
        SSL_set_accept_state(ssl)
    }

    deinit { SSL_free(ssl) }

    /// Takes ciphertext from the peer.
    func receive(_ buffer: ByteBuffer) { incoming.append(buffer) }

    /// Goes on with the handshake as far as the ciphertext received allows.
    func handshake() -> Outcome {
        ERR_clear_error()
        let result = SSL_do_handshake(ssl)
        if result == 1 { return .done }
        if SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ { return .wantsRead }
        var reason = OpenSSLErrors.drain()
        let verdict = SSL_get_verify_result(ssl)
        if verdict != X509_V_OK { reason = String(cString: X509_verify_cert_error_string(verdict)) }
        return .failed(TLSError(.handshake, "the TLS handshake failed: \(reason.isEmpty ? "the line ended" : reason)"))
    }

    /// Appends plaintext to a buffer until its room is used up or no more is there.
    /// - Returns: `.done` when the room is used up.
    func read(into buffer: inout ByteBuffer) -> Outcome {
        ERR_clear_error()
        while buffer.writableBytes > 0 {
            var result: Int32 = 0
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 0) { room in
                var count = 0
                result = SSL_read_ex(ssl, room.baseAddress, room.count, &count)
                return result == 1 ? count : 0
            }
            if result == 1 { continue }
            switch SSL_get_error(ssl, result) {
            case SSL_ERROR_WANT_READ: return .wantsRead
            case SSL_ERROR_ZERO_RETURN: return .closed
            default: return .failed(TLSError(.record, "the TLS connection failed: \(OpenSSLErrors.drain())"))
            }
        }
        return .done
    }

    /// Encrypts bytes into `takeOutgoing()`.
    func write(_ bytes: UnsafeRawBufferPointer) -> TLSError? {
        ERR_clear_error()
        // A record holds 16 KiB and adds 22 bytes to them.
        outgoing.reserveCapacity(minimumWritableBytes: bytes.count + 32 * (bytes.count >> 14 + 1))
        var rest = bytes
        while let start = rest.baseAddress, !rest.isEmpty {
            var count = 0
            // The BIO takes every byte, so what fails here fails for good.
            guard SSL_write_ex(ssl, start, rest.count, &count) == 1 else {
                return TLSError(.record, "the TLS connection failed: \(OpenSSLErrors.drain())")
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
        return nil
    }

    /// Says goodbye (close_notify); the peer's is not waited for.
    func shutdown() {
        ERR_clear_error()
        SSL_shutdown(ssl)
        ERR_clear_error()
    }

    /// Gives a buffer to encrypt into; what waits already is kept.
    func provide(_ buffer: ByteBuffer) {
        if outgoing.readableBytes == 0 { outgoing = buffer }
    }

    /// Ciphertext for the peer.
    /// - Returns: Nil when there is none.
    func takeOutgoing() -> ByteBuffer? {
        guard outgoing.readableBytes > 0 else { return nil }
        let buffer = outgoing
        outgoing = ByteBuffer()
        return buffer
    }

    /// The peer's certificate; nil where it sent none.
    var peer: PeerIdentity? {
        get throws {
            guard let raw = SSL_get0_peer_certificate(ssl) else { return nil }
            let certificate = try Certificate(sharing: raw)
            return PeerIdentity(
                publicKey: certificate.spki, uris: certificate.uris, notBefore: certificate.notBefore,
                notAfter: certificate.notAfter)
        }
    }

    /// Keying material of this connection (RFC 8446, section 7.5), without a context.
    func exporter(label: String, count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let result = SSL_export_keying_material(ssl, &bytes, count, label, label.utf8.count, nil, 0, 0)
        return result == 1 ? bytes : []
    }

    // MARK: The two ends of the BIO

    fileprivate func take(into target: UnsafeMutableRawPointer, atMost limit: Int) -> Int {
        var taken = 0
        while taken < limit, !incoming.isEmpty {
            let first = incoming.startIndex
            incoming[first].readWithUnsafeReadableBytes { source in
                let count = min(limit - taken, source.count)
                if let start = source.baseAddress { (target + taken).copyMemory(from: start, byteCount: count) }
                taken += count
                return count
            }
            if incoming[first].readableBytes == 0 { incoming.removeFirst() }
        }
        return taken
    }

    fileprivate func put(_ bytes: UnsafeRawBufferPointer) { outgoing.writeBytes(bytes) }
}

/// The kind of BIO whose two ends are a session's buffers; one method table serves the process.
private enum SessionBIO {
    // Written once, before anybody reads it, and never freed.
    nonisolated(unsafe) static let method: OpaquePointer? = {
        let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "NIO buffers")
        BIO_meth_set_write_ex(method) { bio, bytes, count, written in
            SessionBIO.session(of: bio)?.put(UnsafeRawBufferPointer(start: bytes, count: count))
            written?.pointee = count
            return 1
        }
        BIO_meth_set_read_ex(method) { bio, room, count, read in
            guard let room, let session = SessionBIO.session(of: bio) else { return 0 }
            let taken = session.take(into: UnsafeMutableRawPointer(room), atMost: count)
            read?.pointee = taken
            if taken == 0 { consilium_BIO_set_retry_read(bio) } else { consilium_BIO_clear_retry_flags(bio) }
            return taken > 0 ? 1 : 0
        }
        BIO_meth_set_ctrl(method) { _, command, _, _ in
            command == BIO_CTRL_FLUSH || command == BIO_CTRL_PUSH || command == BIO_CTRL_POP ? 1 : 0
        }
        return method
    }()

    static func session(of bio: OpaquePointer?) -> TLSSession? {
        BIO_get_data(bio).map { Unmanaged<TLSSession>.fromOpaque($0).takeUnretainedValue() }
    }
}
