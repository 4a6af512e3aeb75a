import Synchronization

/// Whose turn it is to write an upload: one connection at a time, and the newest has the right.
///
/// After a cut line the coordinator may still hold the old connection open while the agent is already back on a new one;
/// the old one gives way.
final class UploadTurn: Sendable {
    private struct Holders {
        /// Ends the body of the connection that is writing.
        var cut: (@Sendable () -> Void)?
        var isHeld = false
        var waiter: CheckedContinuation<Bool, Never>?
    }

    private let holders = Mutex(Holders())

    /// Waits until the present writer has made its bytes durable and left.
    /// - Returns: false when a still newer connection has come in the meantime.
    func take() async -> Bool {
        await withCheckedContinuation { continuation in
            let (displaced, cut, isMine) = holders.withLock { holders in
                guard holders.isHeld else {
                    holders.isHeld = true
                    return (CheckedContinuation<Bool, Never>?.none, (@Sendable () -> Void)?.none, true)
                }
                let displaced = holders.waiter
                holders.waiter = continuation
                return (displaced, holders.cut, false)
            }
            displaced?.resume(returning: false)
            cut?()
            if isMine { continuation.resume(returning: true) }
        }
    }

    /// Says how the present writer is cut off.
    /// - Returns: false when somebody newer waits already.
    func cutting(by cut: @escaping @Sendable () -> Void) -> Bool {
        holders.withLock { holders in
            holders.cut = cut
            return holders.waiter == nil
        }
    }

    /// Cuts the present writer off, without anybody taking its place.
    func cut() { holders.withLock { $0.cut }?() }

    /// Ends the turn.
    func leave() {
        let next = holders.withLock { holders in
            holders.cut = nil
            let next = holders.waiter
            holders.waiter = nil
            holders.isHeld = next != nil
            return next
        }
        next?.resume(returning: true)
    }
}
