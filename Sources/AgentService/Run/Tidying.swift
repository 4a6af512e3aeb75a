import Federation
import Foundation

/// What is deleted because nobody needs it any more.
///
/// It remembers what is at rest, so that a long history is not read again with every answer of the coordinator.
struct Tidying: Sendable {
    /// Folders of ended work that are kept for people to look at.
    static let kept = 200
    let folder: StateFolder
    /// When work ended of which nothing is left to be done or deleted.
    private var settled: [String: Timestamp] = [:]
    /// The newest round of each study that this site was asked for.
    private var newest: [String: Int] = [:]

    init(folder: StateFolder) { self.folder = folder }

    /// What may not be at rest.
    /// - Parameter open: ids that the coordinator waits for.
    mutating func unsettled(open: Set<String>) -> [TaskRecord] {
        for id in open { settled[id] = nil }
        return TaskRecord.all(in: folder).filter { settled[$0.id] == nil }
    }

    /// - Parameters:
    ///   - records: those that may not be at rest.
    ///   - open: ids that the coordinator waits for.
    ///   - studies: names of the studies that are not over.
    mutating func tidy(_ records: [TaskRecord], open: Set<String>, studies: Set<String>) throws {
        let known = try records.compactMap { record in try record.assignment.map { (record, $0) } }
        for (_, assignment) in known {
            newest[assignment.round.study] = max(newest[assignment.round.study] ?? 0, assignment.round.round)
        }
        var needed: Set<String> = []
        for (record, assignment) in known {
            let outcome = try record.outcome
            let isBehind =
                assignment.round.round < newest[assignment.round.study] ?? 0
                || !studies.contains(assignment.round.study)
            // A candidate is mostly the next base.
            if outcome == nil || open.contains(record.id) || !isBehind {
                needed.formUnion([assignment.base.digest, assignment.candidate?.digest].compactMap(\.self))
            }
            guard let outcome, !open.contains(record.id) else { continue }
            // The round is over when the verdict is there, or a later one has begun.
            if try isBehind || outcome.kind != .sent || record.verdict != nil { record.dropUpdate() }
            if isBehind { settled[record.id] = outcome.at }
        }
        prune()
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.objects)) ?? []
        where Name.isDigest(String(name.prefix(64))) && !needed.contains(String(name.prefix(64))) {
            try? FileManager.default.removeItem(atPath: folder.object(name))
        }
    }

    private mutating func prune() {
        guard settled.count > Self.kept else { return }
        for (id, _) in settled.sorted(by: { $0.value < $1.value }).dropLast(Self.kept) {
            TaskRecord.find(id, in: folder)?.remove()
            settled[id] = nil
        }
    }
}
