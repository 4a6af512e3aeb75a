import COpenSSL

/// Random bytes nobody can guess, by OpenSSL's generator.
package enum Random {
    package static func bytes(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        guard RAND_bytes(&bytes, Int32(count)) == 1 else {
            preconditionFailure("OpenSSL's random generator has no entropy: \(OpenSSLErrors.drain())")
        }
        return bytes
    }
}
