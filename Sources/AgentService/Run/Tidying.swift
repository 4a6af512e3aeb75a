import Federation
import Foundation

/// What is deleted because nobody needs it any more.
struct Tidying: Sendable {
    /// Folders of ended work that are kept for people to look at.
    static let kept = 200
    let folder: StateFolder

    /// - Parameters:
    ///   - records: all there are.
    ///   - open: ids that the coordinator waits for.
    func tidy(_ records: [TaskRecord], open: Set<String>) throws {
        var needed: Set<String> = []
        var ended: [(at: Timestamp, record: TaskRecord)] = []
        let newest = try newestRounds(records)
        for record in records {
            guard let assignment = try record.assignment else { continue }
            let outcome = try record.outcome
            let round = assignment.round
            if let outcome, !open.contains(record.id) {
                ended.append((outcome.at, record))
                // The round is over when the verdict is there, or a later one has begun.
                if try record.verdict != nil || outcome.kind != .sent || isBehind(round, newest) { record.dropUpdate() }
            }
            // A candidate is mostly the next base.
            if outcome == nil || open.contains(record.id) || !isBehind(round, newest) {
                needed.formUnion([assignment.base.digest, assignment.candidate?.digest].compactMap(\.self))
            }
        }
        for (_, record) in ended.sorted(by: { $0.at < $1.at }).dropLast(Self.kept) { record.remove() }
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.objects)) ?? []
        where Name.isDigest(String(name.prefix(64))) && !needed.contains(String(name.prefix(64))) {
            try? FileManager.default.removeItem(atPath: folder.object(name))
        }
    }

    private func newestRounds(_ records: [TaskRecord]) throws -> [String: Int] {
        try records.reduce(into: [:]) { newest, record in
            guard let round = try record.assignment?.round else { return }
            newest[round.study] = max(newest[round.study] ?? 0, round.round)
        }
    }

    private func isBehind(_ round: RoundReference, _ newest: [String: Int]) -> Bool {
        round.round < newest[round.study] ?? 0
    }
}
