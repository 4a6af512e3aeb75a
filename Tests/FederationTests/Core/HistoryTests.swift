import Federation
import Foundation
import Testing

@Suite("A long history")
struct HistoryTests {
    @Test("a thousand rounds are read again in about a second, and tell the same state")
    func thousandRounds() throws {
        var f = try Federated(plan: ["rounds: 1000"])
        let began = f.events.count
        while try f.study.standing == .running {
            try f.wholeRound()
            for case .delete(let work) in f.state.pendingWork {
                try f.perform(.deleted(round: work.round, objects: work.objects))
            }
        }
        #expect(f.events.count - began > 12_000)
        var head = Transcript.beginning
        let rows = try f.events.map { event in
            let row = try TranscriptRow(after: head, time: f.now, event: event)
            head = row.head
            return row
        }
        let before = Self.processorSeconds()
        let end = try Transcript.verify(rows)
        let state = try FederationState(replaying: rows)
        let seconds = Self.processorSeconds() - before
        #expect(end == head)
        #expect(state == f.state)
        print("replay of \(rows.count) rows of 1000 rounds: \(seconds) CPU seconds")
        // Of this thread's own time; twice what is promised, for slow machines.
        #expect(seconds < 2)
    }

    private static func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
