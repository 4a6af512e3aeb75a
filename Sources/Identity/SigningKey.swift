import COpenSSL
import Glibc

/// An Ed25519 private key (RFC 8032), for signatures and for TLS.
package struct SigningKey: Sendable {
    let key: EVPKey

    /// Makes a fresh key.
    package init() {
        guard let raw = consilium_ed25519_keygen() else {
            preconditionFailure("OpenSSL cannot make an Ed25519 key: \(OpenSSLErrors.drain())")
        }
        key = EVPKey(taking: raw)
    }

    /// Reads an unencrypted PKCS #8 key in PEM.
    /// - Throws: `IdentityError` unless it is one Ed25519 key.
    package init(pem: String) throws {
        let raw = PEM.read(pem) { PEM_read_bio_PrivateKey($0, nil, PEM.noPassphrase, nil) }
        guard let raw else {
            _ = OpenSSLErrors.drain()
            throw IdentityError(.malformed, "this is no unencrypted private key in PEM")
        }
        key = EVPKey(taking: raw)
        guard EVP_PKEY_get_base_id(raw) == EVP_PKEY_ED25519 else {
            throw IdentityError(.unsupported, "the key is not an Ed25519 key, the only kind used here")
        }
    }

    /// Makes the key of a 32-byte seed, as RFC 8032 calls a private key.
    package init(seed: [UInt8]) throws {
        guard seed.count == 32, let raw = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, seed, seed.count) else {
            throw IdentityError.openSSL("an Ed25519 seed is 32 bytes, not \(seed.count)", .malformed)
        }
        key = EVPKey(taking: raw)
    }

    /// Reads a key file.
    /// - Throws: `IdentityError`, naming the file, when it cannot be read, is no Ed25519 key, or may be read by
    ///   anyone but its owner.
    package static func load(_ path: String) throws -> SigningKey {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw IdentityError(.unreadable, "cannot read the key file \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw IdentityError(.unreadable, "the key file \(path) is not a file")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw IdentityError(
                .readableByOthers,
                "the key file \(path) may be read by others than its owner; make it private with: chmod 600 \(path)")
        }
        var bytes = [UInt8](repeating: 0, count: 16 << 10)
        let count = read(descriptor, &bytes, bytes.count)
        guard count > 0 else { throw IdentityError(.unreadable, "the key file \(path) is empty or cannot be read") }
        do {
            return try SigningKey(pem: String(decoding: bytes.prefix(count), as: UTF8.self))
        } catch let error as IdentityError {
            throw IdentityError(error.code, "\(path): \(error.description)")
        }
    }

    /// The key as PKCS #8 in PEM; for a file of mode 0600 and nowhere else.
    package var pem: String {
        do {
            return try PEM.write { PEM_write_bio_PrivateKey($0, key.raw, nil, nil, 0, nil, nil) }
        } catch {
            preconditionFailure("a key cannot be written to memory: \(error)")
        }
    }

    package var publicKey: VerifyingKey { VerifyingKey(bytes: key.rawPublicKey) }

    /// SHA-256 of the public key's SubjectPublicKeyInfo: what a certificate of this key is known by.
    package var spki: String { SubjectPublicKeyInfo.digest(of: key.raw) }

    /// Lends the `EVP_PKEY`; it is valid within `body`.
    package func withKey<Result>(_ body: (OpaquePointer) throws -> Result) rethrows -> Result {
        try withExtendedLifetime(key) { try body(key.raw) }
    }

    /// The signature of the bytes.
    /// - Returns: 64 bytes.
    package func sign(_ bytes: [UInt8]) -> [UInt8] {
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        var signature = [UInt8](repeating: 0, count: 64)
        var count = signature.count
        guard EVP_DigestSignInit(context, nil, nil, nil, key.raw) == 1,
            EVP_DigestSign(context, &signature, &count, bytes, bytes.count) == 1, count == 64
        else { preconditionFailure("OpenSSL cannot sign with Ed25519: \(OpenSSLErrors.drain())") }
        return signature
    }
}
