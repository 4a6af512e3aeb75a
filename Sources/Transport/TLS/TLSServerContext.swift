import COpenSSL
import Identity
import NIOCore
import Synchronization

/// The `SSL_CTX` of a listener, made anew when the identity was replaced.
final class TLSServerContext: Sendable {
    private let tls: ServerTLS
    private let current: Mutex<(version: Int, context: SSLContext)>
    private let buffers = Mutex<[ObjectIdentifier: NIOLoopBound<LoopBuffers>]>([:])

    init(_ tls: ServerTLS) throws {
        self.tls = tls
        let material = tls.identity.current
        current = Mutex((material.version, try SSLContext(material, clients: tls.clients)))
    }

    /// The buffers that connections of an event loop share; called on that loop.
    func buffers(on eventLoop: any EventLoop) -> LoopBuffers {
        buffers.withLock { buffers in
            if let known = buffers[ObjectIdentifier(eventLoop)] { return known }
            let made = NIOLoopBound(LoopBuffers(), eventLoop: eventLoop)
            buffers[ObjectIdentifier(eventLoop)] = made
            return made
        }.value
    }

    /// The settings for a new connection.
    func context() throws -> SSLContext {
        let material = tls.identity.current
        return try current.withLock { current in
            if current.version != material.version {
                current = (material.version, try SSLContext(material, clients: tls.clients))
            }
            return current.context
        }
    }
}

/// The owner of an `SSL_CTX` for servers. Nobody changes it once it is made, and OpenSSL allows `SSL_new` from any
/// thread then: hence `@unchecked Sendable`.
final class SSLContext: @unchecked Sendable {
    let raw: OpaquePointer

    /// SECURITY: TLS 1.3 only; no tickets, session cache or early data, since a resumed session skips the client's
    /// certificate; `http/1.1` or nothing; the one root trusted, and RFC 5280 to the letter.
    init(_ material: TLSIdentity.Material, clients: ServerTLS.Clients) throws {
        guard let raw = SSL_CTX_new(TLS_server_method()) else { throw Self.failure("cannot set up TLS") }
        self.raw = raw
        SSL_CTX_set_security_level(raw, 2)
        consilium_SSL_CTX_forbid_resumption(raw)
        consilium_SSL_CTX_session_cache_off(raw)
        consilium_SSL_CTX_set_mode(raw, Int(SSL_MODE_RELEASE_BUFFERS) | Int(SSL_MODE_ENABLE_PARTIAL_WRITE))
        guard consilium_SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION) == 1,
            consilium_SSL_CTX_set_max_proto_version(raw, TLS1_3_VERSION) == 1,
            SSL_CTX_set_num_tickets(raw, 0) == 1, SSL_CTX_set_max_early_data(raw, 0) == 1,
            SSL_CTX_set_ciphersuites(raw, Self.suites) == 1,
            consilium_SSL_CTX_set1_groups_list(raw, "X25519:P-256:P-384") == 1
        else { throw Self.failure("cannot set up TLS 1.3") }
        try use(material)
        requireHTTP()
        if case .certified(let root) = clients { try requireCertificates(under: root) }
    }

    deinit { SSL_CTX_free(raw) }

    private static let suites =
        "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"

    private func use(_ material: TLSIdentity.Material) throws {
        let leaf = material.chain[0].withX509 { SSL_CTX_use_certificate(raw, $0) }
        let key = material.key.withKey { SSL_CTX_use_PrivateKey(raw, $0) }
        guard leaf == 1, key == 1 else { throw Self.failure("cannot use the server's certificate") }
        for issuer in material.chain.dropFirst() {
            guard issuer.withX509({ consilium_SSL_CTX_add1_chain_cert(raw, $0) }) == 1 else {
                throw Self.failure("cannot use the server's certificate chain")
            }
        }
    }

    private func requireCertificates(under root: Certificate) throws {
        let trusted = root.withX509 { root in
            SSL_CTX_add_client_CA(raw, root) == 1 && X509_STORE_add_cert(SSL_CTX_get_cert_store(raw), root) == 1
        }
        guard trusted, X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(raw), UInt(X509_V_FLAG_X509_STRICT)) == 1 else {
            throw Self.failure("cannot trust the root certificate")
        }
        SSL_CTX_set_verify_depth(raw, 2)
        SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
    }

    /// Application protocol negotiation (RFC 7301) is compulsory, so that bytes meant for another protocol are never
    /// taken for a request.
    private func requireHTTP() {
        SSL_CTX_set_client_hello_cb(
            raw,
            { ssl, alert, _ in
                var bytes: UnsafePointer<UInt8>?
                var count = 0
                let type = UInt32(TLSEXT_TYPE_application_layer_protocol_negotiation)
                guard SSL_client_hello_get0_ext(ssl, type, &bytes, &count) != 1 else { return SSL_CLIENT_HELLO_SUCCESS }
                alert?.pointee = SSL_AD_NO_APPLICATION_PROTOCOL
                return SSL_CLIENT_HELLO_ERROR
            }, nil)
        SSL_CTX_set_alpn_select_cb(
            raw,
            { _, selected, selectedCount, offered, offeredCount, _ in
                // Each name is preceded by its length; what is selected must point into what was offered.
                guard let offered else { return SSL_TLSEXT_ERR_ALERT_FATAL }
                let list = UnsafeBufferPointer(start: offered, count: Int(offeredCount))
                var index = 0
                while index < list.count {
                    let count = Int(list[index])
                    guard index + 1 + count <= list.count else { break }
                    if list[(index + 1)..<(index + 1 + count)].elementsEqual("http/1.1".utf8) {
                        selected?.pointee = offered + index + 1
                        selectedCount?.pointee = UInt8(count)
                        return SSL_TLSEXT_ERR_OK
                    }
                    index += 1 + count
                }
                return SSL_TLSEXT_ERR_ALERT_FATAL
            }, nil)
    }

    private static func failure(_ operation: String) -> TLSError {
        let reasons = OpenSSLErrors.drain()
        return TLSError(.handshake, reasons.isEmpty ? operation : "\(operation): \(reasons)")
    }
}
