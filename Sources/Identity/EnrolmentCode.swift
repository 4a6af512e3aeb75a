import Cryptography

/// The line by which a site is enrolled once: `consilium1:<site>:<host>:<port>:<root key>:<secret>`.
///
/// The root key is the SHA-256 of the root certificate's SubjectPublicKeyInfo, so the agent knows the coordinator
/// without trusting the first one that answers; the secret is 160 random bits in base 32, whose check covers the whole
/// line. The coordinator keeps `confirmationKey`, never the line.
package struct EnrolmentCode: Sendable, Equatable {
    package let site: String
    /// A DNS name or an IP address, without brackets.
    package let host: String
    package let port: Int
    /// 64 lower-case hexadecimal digits.
    package let rootKey: String
    /// 20 bytes.
    package let secret: [UInt8]

    /// A code with a fresh secret.
    /// - Throws: `IdentityError` when a part cannot stand in a code.
    package init(site: String, host: String, port: Int, rootKey: String) throws {
        try self.init(site: site, host: host, port: port, rootKey: rootKey, secret: Random.bytes(20))
    }

    private init(site: String, host: String, port: Int, rootKey: String, secret: [UInt8]) throws {
        guard SubjectName.isName(site) else {
            throw IdentityError(.malformed, "\"\(site.prefix(80))\" is not a site's name (a to z, 0 to 9 and -)")
        }
        guard SubjectName.isHost(host) else {
            throw IdentityError(.malformed, "\"\(host.prefix(80))\" is not a host name or address")
        }
        guard (1...65535).contains(port) else { throw IdentityError(.malformed, "\(port) is not a port") }
        guard Hexadecimal.decode(rootKey)?.count == 32, secret.count == 20 else {
            throw IdentityError(.malformed, "the code's key or secret has the wrong length")
        }
        self.site = site
        self.host = host
        self.port = port
        self.rootKey = rootKey
        self.secret = secret
    }

    /// Reads a line; white space around it is ignored.
    /// - Throws: `IdentityError` in words for the person who copied it.
    package init(parsing text: String) throws {
        let trimmed = text.drop(while: \.isWhitespace)
        let line = String(trimmed.prefix { !$0.isWhitespace })
        let parts = line.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard trimmed.dropFirst(line.count).allSatisfy(\.isWhitespace), line.utf8.count <= 512 else {
            throw IdentityError(.malformed, "an enrolment code is one line without spaces; copy it again")
        }
        guard parts.first == "consilium1", parts.count >= 6, let port = Int(parts[parts.count - 3]) else {
            throw IdentityError(
                .malformed,
                "this is no enrolment code (consilium1:site:host:port:key:secret); copy the whole line again")
        }
        // An IPv6 address has colons of its own.
        var host = parts[2..<(parts.count - 3)].joined(separator: ":")
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        let key = parts[parts.count - 2]
        let head = Self.head(site: parts[1], host: host, port: port, rootKey: key)
        do {
            let secret = try Base32.decode(parts[parts.count - 1], context: head)
            try self.init(site: parts[1], host: host, port: port, rootKey: key, secret: secret)
        } catch let error as IdentityError {
            throw IdentityError(
                error.code, "the enrolment code has a typing error (\(error.description)); copy the whole line again")
        }
    }

    /// The line.
    package var text: String {
        let head = Self.head(site: site, host: host, port: port, rootKey: rootKey)
        return head + Base32.encode(secret, context: head)
    }

    /// `host:port`, with brackets around an IPv6 address.
    package var address: String { Self.address(host, port) }

    /// What both sides confirm an enrolment with: SHA-256 over `consilium/1 enrolment`, a zero byte and the secret.
    /// The coordinator stores this; the line cannot be had back from it.
    package var confirmationKey: [UInt8] {
        var hash = SHA256()
        hash.update("consilium/1 enrolment")
        hash.update([0])
        hash.update(secret)
        return Hexadecimal.decode(hash.finish()) ?? []
    }

    /// The confirmation of a request: HMAC-SHA-256 by `confirmationKey` over the request's key, the signing key and the
    /// connection's exporter, so that it fits no other key and no other connection.
    /// - Parameters:
    ///   - request: SHA-256 of the request's SubjectPublicKeyInfo, hexadecimal.
    ///   - exporter: 32 bytes of the TLS connection, label `EXPORTER-consilium-enrol`.
    /// - Returns: 64 lower-case hexadecimal digits.
    package static func confirmation(
        key: [UInt8], request: String, signingKey: VerifyingKey, exporter: [UInt8]
    ) -> String {
        let bytes = (Hexadecimal.decode(request) ?? []) + signingKey.bytes + exporter
        return Hexadecimal.encode(HMAC.sha256(key: key, bytes))
    }

    /// Whether a confirmation is right; in constant time.
    package static func isConfirmed(
        _ confirmation: String, key: [UInt8], request: String, signingKey: VerifyingKey, exporter: [UInt8]
    ) -> Bool {
        let right = Self.confirmation(key: key, request: request, signingKey: signingKey, exporter: exporter)
        return HMAC.areEqual(Array(confirmation.utf8), Array(right.utf8))
    }

    private static func head(site: String, host: String, port: Int, rootKey: String) -> String {
        "consilium1:\(site):\(address(host, port)):\(rootKey):"
    }

    private static func address(_ host: String, _ port: Int) -> String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
