import COpenSSL

/// A key, certificate, request or code that cannot be used, and why, in one sentence.
package struct IdentityError: Error, CustomStringConvertible, Sendable, Equatable {
    package enum Code: Sendable {
        /// The text is not what it should be.
        case malformed
        /// It is well-formed, but of a kind that is not used here.
        case unsupported
        /// The signature or checksum does not fit the contents.
        case wrongSignature
        /// A key file that cannot be read.
        case unreadable
        /// A key file that others than its owner may read.
        case readableByOthers
        /// OpenSSL failed where nothing the user gave is wrong.
        case openSSL
    }

    package let code: Code
    package let description: String

    package init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    /// What OpenSSL's error queue of this thread says; the queue is empty afterwards.
    static func openSSL(_ operation: String, _ code: Code = .openSSL) -> IdentityError {
        let reasons = OpenSSLErrors.drain()
        return IdentityError(code, reasons.isEmpty ? operation : "\(operation): \(reasons)")
    }
}

/// OpenSSL's error queue of the current thread.
package enum OpenSSLErrors {
    /// Empties the queue.
    /// - Returns: The reasons in words, joined; empty when there are none.
    package static func drain() -> String {
        var reasons: [String] = []
        while true {
            let code = ERR_get_error()
            guard code != 0 else { return reasons.joined(separator: "; ") }
            // System errors have no reason string of OpenSSL's own.
            reasons.append(ERR_reason_error_string(code).map { String(cString: $0) } ?? "error \(code)")
        }
    }
}
