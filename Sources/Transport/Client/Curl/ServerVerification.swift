import COpenSSL
import Foundation
import Identity

/// Whom one connection believes: set into OpenSSL's context before its handshake, and kept by it.
///
/// The certificates that count are handed to the verification itself, so that no store of the system, no folder and no
/// setting of the environment can add to them.
final class ServerVerification {
    private let trust: ClientSettings.Trust
    private let host: String
    private let now: Date?
    private let report: (ServerFindings) -> Void

    /// - Parameters:
    ///   - now: by this machine's clock; nil when certificates are taken whatever the time, to ask for the server's.
    ///   - report: told what was seen when the server is refused; called in the handshake.
    init(
        _ trust: ClientSettings.Trust, host: String, now: Date?, report: @escaping (ServerFindings) -> Void
    ) {
        self.trust = trust
        self.host = host
        self.now = now
        self.report = report
    }

    /// Where OpenSSL keeps the verification: with the context, until that is freed.
    private static let slot = CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_SSL_CTX, 0, nil, nil, nil) {
        _, kept, _, _, _, _ in
        if let kept { Unmanaged<ServerVerification>.fromOpaque(kept).release() }
    }

    /// - Returns: false when OpenSSL is out of memory.
    func install(in context: OpaquePointer) -> Bool {
        let kept = Unmanaged.passRetained(self)
        guard SSL_CTX_set_ex_data(context, Self.slot, kept.toOpaque()) == 1 else {
            kept.release()
            return false
        }
        SSL_CTX_set_cert_verify_callback(
            context,
            { store, verification in
                guard let store, let verification else { return 0 }
                return Unmanaged<ServerVerification>.fromOpaque(verification).takeUnretainedValue().verify(store)
            }, kept.toOpaque())
        return SSL_CTX_set_cipher_list(context, "DEFAULT@SECLEVEL=2") == 1
    }

    private func verify(_ context: OpaquePointer) -> Int32 {
        guard let root = root(context) else {
            X509_STORE_CTX_set_error(context, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN)
            report(ServerFindings(context, error: X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN))
            return 0
        }
        defer { X509_free(root) }
        let trusted = OPENSSL_sk_new_null()
        defer { OPENSSL_sk_free(trusted) }
        guard OPENSSL_sk_push(trusted, UnsafeRawPointer(root)) > 0, restrict(context) else {
            X509_STORE_CTX_set_error(context, X509_V_ERR_OUT_OF_MEM)
            return 0
        }
        X509_STORE_CTX_set0_trusted_stack(context, trusted)
        guard X509_verify_cert(context) == 1 else {
            report(ServerFindings(context, error: X509_STORE_CTX_get_error(context)))
            return 0
        }
        return 1
    }

    private func restrict(_ context: OpaquePointer) -> Bool {
        guard let rules = X509_STORE_CTX_get0_param(context) else { return false }
        X509_VERIFY_PARAM_clear_flags(rules, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        X509_VERIFY_PARAM_set_flags(rules, UInt(X509_V_FLAG_X509_STRICT))
        if let now {
            X509_VERIFY_PARAM_set_time(rules, time_t(now.timeIntervalSince1970))
        } else {
            X509_VERIFY_PARAM_set_flags(rules, UInt(X509_V_FLAG_NO_CHECK_TIME))
        }
        X509_VERIFY_PARAM_set_auth_level(rules, 2)
        X509_VERIFY_PARAM_set_hostflags(
            rules, UInt32(X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
        return X509_VERIFY_PARAM_set1_ip_asc(rules, host) == 1
            || X509_VERIFY_PARAM_set1_host(rules, host, host.utf8.count) == 1
    }

    /// The certificate the chain must end in, owned by the caller; nil when there is none.
    private func root(_ context: OpaquePointer) -> OpaquePointer? {
        switch trust {
        case .root(let pem):
            let bytes = Array(pem.utf8)
            guard let memory = BIO_new_mem_buf(bytes, Int32(bytes.count)) else { return nil }
            defer { BIO_free(memory) }
            return PEM_read_bio_X509(memory, nil, { _, _, _, _ in 0 }, nil)
        case .pinnedRoot(let pin):
            let sent = X509_STORE_CTX_get0_untrusted(context)
            for index in 0..<max(0, OPENSSL_sk_num(sent)) {
                guard let raw = OPENSSL_sk_value(sent, index) else { continue }
                let candidate = OpaquePointer(raw)
                guard X509_check_ca(candidate) == 1, let certificate = try? Certificate(sharing: candidate),
                    certificate.spki == pin.lowercased()
                else { continue }
                X509_up_ref(candidate)
                return candidate
            }
            return nil
        }
    }
}
