import Cryptography
package import Federation

/// Checks the record against itself and against what lies on the disk.
struct RecordCheck {
    private let coordinator: Coordinator

    init(_ coordinator: Coordinator) { self.coordinator = coordinator }

    /// Computes every hash anew: of the rows, and of every object's bytes.
    /// - Throws: at the first row that does not follow from the one before it.
    func run() async throws -> VerifyTranscript.Answer {
        var head = Transcript.beginning
        var state = FederationState()
        while true {
            let rows = try await coordinator.store.transcript(after: head.sequence, limit: 1000)
            if rows.isEmpty { break }
            do { try Transcript.extend(&state, from: &head, by: rows) } catch {
                throw OperatorError("the transcript is broken at \(error); restore a backup")
            }
        }
        if coordinator.head == head, coordinator.state != state {
            throw OperatorError("the transcript does not lead to the state that is served; restart the coordinator")
        }
        var damaged: [String] = []
        let objects = try await coordinator.store.objectRecords()
        for object in objects {
            let path = coordinator.store.objects.path(of: object.digest)
            guard let size = FolderCopy.size(of: path) else {
                if try await coordinator.store.object(object.digest) != nil { damaged.append("\(path) is missing") }
                continue
            }
            if size != object.bytes || (try? SHA256.hex(ofFile: path)) != object.digest {
                damaged.append("\(path) is not what it was")
            }
        }
        return VerifyTranscript.Answer(head: head, objects: objects.count, damaged: damaged)
    }
}
