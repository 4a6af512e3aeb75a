import COpenSSL

/// The owner of an `EVP_PKEY`. The key is never changed after it was made and OpenSSL counts its references
/// atomically, so threads may share it: hence `@unchecked`.
final class EVPKey: @unchecked Sendable {
    let raw: OpaquePointer

    init(taking raw: OpaquePointer) { self.raw = raw }

    deinit { EVP_PKEY_free(raw) }

    /// The 32 bytes of an Ed25519 public key.
    var rawPublicKey: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 32)
        var count = bytes.count
        guard EVP_PKEY_get_raw_public_key(raw, &bytes, &count) == 1, count == 32 else {
            preconditionFailure("an Ed25519 key without its public half: \(OpenSSLErrors.drain())")
        }
        return bytes
    }
}

/// Text to and from OpenSSL's PEM functions.
enum PEM {
    /// Answers the question for a pass phrase with no: without it OpenSSL would ask on the terminal.
    static let noPassphrase:
        @convention(c) (UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?) ->
            Int32 = { _, _, _, _ in -1 }

    /// Reads by one of the `PEM_read_bio_…` functions.
    static func read(_ text: String, _ body: (OpaquePointer) -> OpaquePointer?) -> OpaquePointer? {
        let bytes = Array(text.utf8)
        // The memory BIO reads where it is pointed to, so the bytes must stay in place meanwhile.
        return bytes.withUnsafeBytes { bytes in
            guard let bio = BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count)) else { return nil }
            defer { BIO_free(bio) }
            return body(bio)
        }
    }

    /// Writes by one of the `PEM_write_bio_…` functions.
    static func write(_ body: (OpaquePointer) -> Int32) throws -> String {
        guard let bio = BIO_new(BIO_s_mem()) else { throw IdentityError.openSSL("cannot write PEM") }
        defer { BIO_free(bio) }
        guard body(bio) == 1 else { throw IdentityError.openSSL("cannot write PEM") }
        var start: UnsafeMutablePointer<CChar>?
        let count = consilium_BIO_get_mem_data(bio, &start)
        let bytes = UnsafeRawBufferPointer(start: start, count: count)
        return String(decoding: bytes, as: UTF8.self)
    }
}
