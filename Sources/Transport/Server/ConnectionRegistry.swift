import NIOCore
import Synchronization

/// The connections of one or several listeners: counted, limited, and cut by public key.
package final class ConnectionRegistry: Sendable {
    struct Entry {
        let listener: Int
        let address: String?
        var publicKey: String?
        let cut: @Sendable () -> Void
    }

    private struct State {
        var entries: [Int: Entry] = [:]
        var perAddress: [String: Int] = [:]
        var perPeer: [String: Set<Int>] = [:]
        var next = 0
        var listeners = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// Connections open now, those in their handshake included.
    package var count: Int { state.withLock { $0.entries.count } }

    /// Connections open now with a public key.
    package func count(publicKey: String) -> Int { state.withLock { $0.perPeer[publicKey]?.count ?? 0 } }

    /// Ends every connection of a public key at once, whatever it is in the middle of.
    /// - Parameter publicKey: SHA-256 of the SubjectPublicKeyInfo, hexadecimal.
    package func cut(publicKey: String) {
        let cuts = state.withLock { state in
            (state.perPeer[publicKey] ?? []).compactMap { state.entries[$0]?.cut }
        }
        for cut in cuts { cut() }
    }

    /// Ends every connection of one listener.
    func cutAll(of listener: Int) {
        let cuts = state.withLock { $0.entries.values.filter { $0.listener == listener }.map(\.cut) }
        for cut in cuts { cut() }
    }

    /// The number of a new listener: several may share a registry, and each stops for itself.
    func addListener() -> Int {
        state.withLock { state in
            state.listeners += 1
            return state.listeners
        }
    }

    /// Counts a new connection.
    /// - Returns: Its number; nil when there are too many.
    func admit(
        listener: Int, address: String?, limits: ServerLimits, cut: @escaping @Sendable () -> Void
    ) -> Int? {
        state.withLock { state in
            guard state.entries.count < limits.connections else { return nil }
            if let address {
                guard state.perAddress[address, default: 0] < limits.connectionsPerAddress else { return nil }
                state.perAddress[address, default: 0] += 1
            }
            state.next += 1
            state.entries[state.next] = Entry(listener: listener, address: address, cut: cut)
            return state.next
        }
    }

    /// Notes whose a connection is, once the handshake says so.
    /// - Returns: False when that peer has too many.
    func identify(_ number: Int, publicKey: String, limits: ServerLimits) -> Bool {
        state.withLock { state in
            guard state.entries[number] != nil,
                state.perPeer[publicKey, default: []].count < limits.connectionsPerPeer
            else { return false }
            state.entries[number]?.publicKey = publicKey
            state.perPeer[publicKey, default: []].insert(number)
            return true
        }
    }

    func remove(_ number: Int) {
        state.withLock { state in
            guard let entry = state.entries.removeValue(forKey: number) else { return }
            if let address = entry.address {
                let left = state.perAddress[address, default: 1] - 1
                state.perAddress[address] = left > 0 ? left : nil
            }
            if let key = entry.publicKey {
                state.perPeer[key]?.remove(number)
                if state.perPeer[key]?.isEmpty == true { state.perPeer[key] = nil }
            }
        }
    }
}
