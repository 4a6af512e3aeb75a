import NIOCore
import Testing
import Transport

@Suite("Pace and lifecycle, without a network")
struct ServerStateTests {
    static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    static func isFine(_ verdict: ConnectionPace.Verdict) -> Bool {
        if case .fine = verdict { return true }
        return false
    }

    @Test("a head may take ten seconds from its first byte, however its bytes trickle")
    func head() {
        var pace = ConnectionPace(ServerLimits(), now: Self.start)
        let first = Self.start + .seconds(20)
        #expect(Self.isFine(pace.verdict(at: first)))
        for second in 0..<10 {
            pace.received(1, at: first + .seconds(Int64(second)))
            #expect(Self.isFine(pace.verdict(at: first + .seconds(Int64(second)))))
        }
        #expect(!Self.isFine(pace.verdict(at: first + .seconds(10))))
    }

    @Test("between requests 75 seconds may pass, and during a long answer any time")
    func idle() {
        var pace = ConnectionPace(ServerLimits(), now: Self.start)
        #expect(Self.isFine(pace.verdict(at: Self.start + .seconds(74))))
        #expect(!Self.isFine(pace.verdict(at: Self.start + .seconds(75))))
        pace.received(100, at: Self.start)
        pace.headRead()
        pace.bodyRead()
        #expect(Self.isFine(pace.verdict(at: Self.start + .hours(1))))
        pace.answerEnded(at: Self.start + .hours(1))
        #expect(pace.verdict(at: Self.start + .hours(1)) == .fine(until: Self.start + .hours(1) + .seconds(75)))
        #expect(!Self.isFine(pace.verdict(at: Self.start + .hours(1) + .seconds(75))))
    }

    @Test(
        "a body may come at 8 KiB a second and not slower",
        arguments: [(8 << 10, true), (7 << 10, false), (1 << 20, true), (0, false)])
    func body(_ rate: Int, _ isFine: Bool) {
        var pace = ConnectionPace(ServerLimits(), now: Self.start)
        pace.received(100, at: Self.start)
        pace.headRead()
        var verdicts: [Bool] = []
        for second in 0...61 {
            let now = Self.start + .seconds(Int64(second))
            if rate > 0, second > 0 { pace.received(rate, at: now) }
            pace.asked(at: now)
            verdicts.append(Self.isFine(pace.verdict(at: now)))
        }
        #expect(verdicts.allSatisfy { $0 } == isFine)
    }

    @Test("time in which this side does not read is not held against the peer")
    func backPressure() {
        var pace = ConnectionPace(ServerLimits(), now: Self.start)
        pace.received(100, at: Self.start)
        pace.headRead()
        for minute in 1...100 {
            // Each minute this side asks once and gets 64 KiB within a second.
            pace.asked(at: Self.start + .minutes(Int64(minute)))
            pace.received(64 << 10, at: Self.start + .minutes(Int64(minute)) + .seconds(1))
            #expect(Self.isFine(pace.verdict(at: Self.start + .minutes(Int64(minute)) + .seconds(30))))
        }
    }

    @Test("a peer that does not read its answer for half a minute is too slow")
    func stall() {
        var pace = ConnectionPace(ServerLimits(), now: Self.start)
        pace.received(100, at: Self.start)
        pace.headRead()
        pace.bodyRead()
        pace.writable(false, at: Self.start)
        pace.writable(false, at: Self.start + .seconds(20))
        #expect(Self.isFine(pace.verdict(at: Self.start + .seconds(29))))
        #expect(!Self.isFine(pace.verdict(at: Self.start + .seconds(30))))
        pace.writable(true, at: Self.start + .seconds(30))
        #expect(Self.isFine(pace.verdict(at: Self.start + .seconds(31))))
    }

    @Test("an end without goodbye is a truncation, one after it is an end, and each is told once")
    func ends() {
        var cut = TLSLifecycle()
        cut.handshakeSucceeded()
        #expect(cut.lineEnded() == .fail(.truncated))
        #expect(cut.lineGone() == .nothing)

        var proper = TLSLifecycle()
        proper.handshakeSucceeded()
        #expect(proper.goodbyeReceived() == true)
        #expect(proper.goodbyeReceived() == false)
        #expect(proper.lineEnded() == .nothing)
        #expect(proper.mayWrite)
        #expect(proper.lineGone() == .nothing)

        var early = TLSLifecycle()
        #expect(early.lineEnded() != .nothing)
        #expect(early.isClosed)
    }

    @Test("before the handshake a line is closed at once, after it with a goodbye")
    func closing() {
        var early = TLSLifecycle()
        #expect(early.closeRequested() == .atOnce)
        var open = TLSLifecycle()
        open.handshakeSucceeded()
        #expect(open.handshakeDeadlinePassed() == false)
        #expect(open.closeRequested() == .afterGoodbye)
        open.goodbyeSent()
        #expect(!open.mayWrite && open.mayRead)
        #expect(open.lineEnded() == .endInput)
        #expect(open.failed() == true)
        #expect(open.failed() == false)

        var silent = TLSLifecycle()
        #expect(silent.handshakeDeadlinePassed() == true)
        #expect(silent.handshakeDeadlinePassed() == false)
    }
}
