package import NIOCore

/// Whether a peer is quick enough. Time is given; nothing is measured here.
///
/// Only time spent waiting for the peer counts against it: while this side does not read, because its disk is slow, say,
/// the peer cannot send.
package struct ConnectionPace {
    private enum Reading {
        case nothing
        case head(since: NIODeadline)
        case body
    }

    package enum Verdict: Equatable {
        case fine(until: NIODeadline)
        case tooSlow(String)
    }

    private let limits: ServerLimits
    private var reading = Reading.nothing
    private var open = 0
    private var idleSince: NIODeadline
    private var stalledSince: NIODeadline?
    /// Since when this side has been waiting for bytes.
    private var waitingSince: NIODeadline?
    /// Of the current window: time waited and bytes received.
    private var waited = TimeAmount.zero
    private var bytes = 0

    package init(_ limits: ServerLimits, now: NIODeadline) {
        self.limits = limits
        idleSince = now
    }

    /// This side asks for bytes.
    package mutating func asked(at now: NIODeadline) {
        if waitingSince == nil { waitingSince = now }
    }

    package mutating func received(_ count: Int, at now: NIODeadline) {
        if let since = waitingSince { waited = waited + (now - since) }
        waitingSince = nil
        bytes += count
        if case .nothing = reading { reading = .head(since: now) }
    }

    package mutating func headRead() {
        open += 1
        reading = .body
        waited = .zero
        bytes = 0
    }

    package mutating func bodyRead() { reading = .nothing }

    package mutating func answerEnded(at now: NIODeadline) {
        open -= 1
        idleSince = now
    }

    package mutating func writable(_ isWritable: Bool, at now: NIODeadline) {
        stalledSince = isWritable ? nil : stalledSince ?? now
    }

    /// Judges, and begins the next window when one is full.
    package mutating func verdict(at now: NIODeadline) -> Verdict {
        var until = now + limits.idle
        if let stalledSince {
            guard now < stalledSince + limits.writeStall else { return .tooSlow("it does not read its answer") }
            until = min(until, stalledSince + limits.writeStall)
        }
        switch reading {
        case .nothing:
            if open == 0 {
                guard now < idleSince + limits.idle else { return .tooSlow("it was idle") }
                until = min(until, idleSince + limits.idle)
            }
        case .head(let since):
            guard now < since + limits.headTime else { return .tooSlow("its request's head took too long") }
            until = min(until, since + limits.headTime)
        case .body:
            let total = waited + (waitingSince.map { now - $0 } ?? .zero)
            if total >= limits.bodyWindow {
                let required = limits.bodyRate * Int(limits.bodyWindow.nanoseconds / 1_000_000_000)
                guard bytes >= required else { return .tooSlow("its request's body came too slowly") }
                waited = .zero
                bytes = 0
                if waitingSince != nil { waitingSince = now }
                until = min(until, now + limits.bodyWindow)
            } else {
                until = min(until, now + limits.bodyWindow - total)
            }
        }
        return .fine(until: until)
    }
}
