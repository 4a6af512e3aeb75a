/// Through which proxy a client connects.
package enum ProxyChoice: Sendable, Equatable {
    /// As `https_proxy`, `all_proxy` and `no_proxy` say (also in capitals); this machine itself is never reached
    /// through a proxy.
    case environment
    case none
    /// `http://[user:password@]host:port`, `host:port` or `socks5h://host:port`. Basic, Digest, NTLM and Negotiate are
    /// tried as the proxy asks for them; `http://:@host:port` lets Negotiate use the process's Kerberos ticket.
    case address(String)

    /// The proxy for a host.
    /// - Returns: nil for a direct connection.
    package func proxy(for host: String, environment: [String: String]) -> String? {
        switch self {
        case .none: return nil
        case .address(let address): return address.isEmpty ? nil : address
        case .environment:
            let names = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
            guard let proxy = names.compactMap({ environment[$0] }).first(where: { !$0.isEmpty }) else { return nil }
            if Self.isThisMachine(host) { return nil }
            let exceptions = environment["no_proxy"] ?? environment["NO_PROXY"] ?? ""
            return Self.isExcepted(host, by: exceptions) ? nil : proxy
        }
    }

    /// A proxy's address without user and password, as messages show it.
    package static func shown(_ proxy: String) -> String {
        let rest = proxy.firstRange(of: "://").map { proxy[$0.upperBound...] } ?? proxy[...]
        let address = rest.lastIndex(of: "@").map { rest[rest.index(after: $0)...] } ?? rest
        return String(address.prefix { $0 != "/" })
    }

    private static func isThisMachine(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || bits(host).map { $0 >> 24 == 127 } ?? false
    }

    private static func isExcepted(_ host: String, by exceptions: String) -> Bool {
        let host = host.lowercased()
        for item in exceptions.lowercased().split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            if item == "*" { return true }
            let parts = item.split(separator: "/", maxSplits: 1)
            if parts.count == 2, let network = bits(String(parts[0])), let length = Int(parts[1]),
                let address = bits(host), (0...32).contains(length)
            {
                let mask: UInt32 = length == 0 ? 0 : ~0 << (32 - UInt32(length))
                if address & mask == network & mask { return true }
                continue
            }
            let name = item.drop { $0 == "." }
            if !name.isEmpty, host == name || host.hasSuffix("." + name) { return true }
        }
        return false
    }

    /// The 32 bits of an IPv4 address in dotted decimals.
    private static func bits(_ address: String) -> UInt32? {
        let parts = address.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        guard parts.count == 4 else { return nil }
        return parts.reduce(0 as UInt32?) { sum, part in
            guard let sum, let part else { return nil }
            return sum << 8 | UInt32(part)
        }
    }
}
