import COpenSSL
import Glibc
import Identity

/// A TLS client that does what the tests say, right or wrong: blocking, straight on OpenSSL, nothing of the product's
/// TLS in it. A test hands it from one thread to the next and never uses it in two at once, hence `@unchecked`.
package final class TLSClient: @unchecked Sendable {
    package struct Settings {
        /// Chain and key in PEM.
        package var identity: (chain: String, key: String)?
        package var alpn: [String]?
        package var version: Int32
        /// A session to resume.
        package var session: OpaquePointer?

        package init(
            identity: (chain: String, key: String)? = nil, alpn: [String]? = ["http/1.1"],
            version: Int32 = TLS1_3_VERSION, session: OpaquePointer? = nil
        ) {
            self.identity = identity
            self.alpn = alpn
            self.version = version
            self.session = session
        }
    }

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// Made once, as that is slow, and never changed: a client's settings are on its own `SSL`.
    nonisolated(unsafe) private static let context = SSL_CTX_new(TLS_client_method())
    package let ssl: OpaquePointer
    package let descriptor: Int32
    /// Bytes that arrived behind a head that was read.
    package private(set) var pending: [UInt8] = []
    package private(set) var isClosed = false

    /// Connects and shakes hands. With TLS 1.3 that succeeds even where the server then refuses the certificate.
    package init(port: Int, _ settings: Settings = Settings(), timeout: Int = 30) throws {
        descriptor = try Self.connect(port: port, timeout: timeout)
        guard let ssl = SSL_new(Self.context) else { throw Failure(description: "no connection") }
        self.ssl = ssl
        SSL_ctrl(ssl, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(settings.version), nil)
        SSL_ctrl(ssl, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(settings.version), nil)
        if let (chain, key) = settings.identity { try use(chain, key) }
        if let alpn = settings.alpn {
            let list = alpn.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
            SSL_set_alpn_protos(ssl, list, UInt32(list.count))
        }
        if let session = settings.session { SSL_set_session(ssl, session) }
        SSL_set_fd(ssl, descriptor)
        guard SSL_connect(ssl) == 1 else { throw failure("handshake") }
    }

    deinit {
        if !isClosed { close(descriptor) }
        SSL_free(ssl)
    }

    private func use(_ chain: String, _ key: String) throws {
        let certificates = try Certificate.chain(pem: chain)
        certificates[0].withX509 { _ = SSL_use_certificate(ssl, $0) }
        for issuer in certificates.dropFirst() {
            issuer.withX509 { issuer in
                X509_up_ref(issuer)
                SSL_ctrl(ssl, SSL_CTRL_CHAIN_CERT, 0, UnsafeMutableRawPointer(issuer))
            }
        }
        try SigningKey(pem: key).withKey { _ = SSL_use_PrivateKey(ssl, $0) }
    }

    /// Lets this process open as many connections as a test of load needs.
    package static func raiseFileLimit() {
        var files = rlimit()
        getrlimit(__rlimit_resource_t(7), &files)  // RLIMIT_NOFILE, which Glibc types apart
        files.rlim_cur = min(files.rlim_max, 8192)
        setrlimit(__rlimit_resource_t(7), &files)
    }

    package static func connect(port: Int, timeout: Int = 30) throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var limit = timeval(tv_sec: timeout, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Failure(description: "connect: \(errno)") }
        return descriptor
    }

    private func failure(_ what: String) -> Failure {
        Failure(description: "\(what): \(OpenSSLErrors.drain()) \(errno)")
    }

    /// - Throws: When the server has closed or refused.
    package func write(_ bytes: [UInt8]) throws {
        var offset = 0
        while offset < bytes.count {
            var count = 0
            ERR_clear_error()
            let result = bytes.withUnsafeBytes {
                SSL_write_ex(ssl, $0.baseAddress.map { $0 + offset }, bytes.count - offset, &count)
            }
            guard result == 1 else { throw failure("write") }
            offset += count
        }
    }

    package func write(_ text: String) throws { try write(Array(text.utf8)) }

    /// - Returns: At least one byte; nil when the server closed properly.
    package func read(_ limit: Int = 256 << 10) throws -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: limit)
        var count = 0
        ERR_clear_error()
        let result = SSL_read_ex(ssl, &bytes, limit, &count)
        if result == 1 { return Array(bytes.prefix(count)) }
        if SSL_get_error(ssl, result) == SSL_ERROR_ZERO_RETURN { return nil }
        throw failure("read")
    }

    /// Reads the head of an answer; what follows it stays.
    package func readHead() throws -> (status: Int, text: String) {
        while true {
            if let end = pending.firstRange(of: Array("\r\n\r\n".utf8)) {
                let text = String(decoding: pending[..<end.lowerBound], as: UTF8.self)
                pending.removeSubrange(..<end.upperBound)
                return (Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0, text)
            }
            guard let bytes = try read() else { throw Failure(description: "closed before an answer") }
            pending += bytes
        }
    }

    /// Reads an answer with a Content-Length.
    package func readAnswer() throws -> (status: Int, head: String, body: String) {
        let head = try readHead()
        var length = 0
        for line in head.text.lowercased().split(whereSeparator: \.isNewline) where line.hasPrefix("content-length:") {
            length = Int(line.dropFirst(15).drop(while: \.isWhitespace)) ?? 0
        }
        while pending.count < length {
            guard let bytes = try read() else { break }
            pending += bytes
        }
        let body = String(decoding: pending.prefix(length), as: UTF8.self)
        pending.removeFirst(min(length, pending.count))
        return (head.status, head.text, body)
    }

    /// Sends a request without a body, and reads the answer.
    package func get(_ path: String) throws -> (status: Int, head: String, body: String) {
        try write("GET \(path) HTTP/1.1\r\nHost: test\r\n\r\n")
        return try readAnswer()
    }

    package func post(_ path: String, _ body: String) throws -> (status: Int, head: String, body: String) {
        try write("POST \(path) HTTP/1.1\r\nHost: test\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        return try readAnswer()
    }

    /// Reads and counts until the bytes are there or the server closed.
    package func drain(_ count: Int) throws -> Int {
        var total = pending.count
        pending = []
        var room = [UInt8](repeating: 0, count: 256 << 10)
        while total < count {
            var got = 0
            ERR_clear_error()
            let result = SSL_read_ex(ssl, &room, room.count, &got)
            guard result == 1 else {
                if SSL_get_error(ssl, result) == SSL_ERROR_ZERO_RETURN { return total }
                throw failure("read")
            }
            total += got
        }
        return total
    }

    /// Ends the TCP connection without a close_notify.
    package func cutLine() {
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
        isClosed = true
    }

    /// 32 bytes, label `EXPORTER-consilium-enrol`.
    package var exporter: [UInt8] {
        let label = "EXPORTER-consilium-enrol"
        var bytes = [UInt8](repeating: 0, count: 32)
        SSL_export_keying_material(ssl, &bytes, 32, label, label.utf8.count, nil, 0, 0)
        return bytes
    }
}

extension Array where Element == UInt8 {
    fileprivate func firstRange(of needle: [UInt8]) -> Range<Int>? {
        guard count >= needle.count else { return nil }
        for start in 0...(count - needle.count) where self[start] == needle[0] {
            if self[start..<(start + needle.count)].elementsEqual(needle) { return start..<(start + needle.count) }
        }
        return nil
    }
}
