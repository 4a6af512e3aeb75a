import Cryptography
import Federation

/// Checks the record against itself and against what lies on the disk.
struct RecordCheck {
    private let coordinator: Coordinator

    init(_ coordinator: Coordinator) { self.coordinator = coordinator }

    /// Computes every hash anew: of the rows, and of every object's bytes.
    /// - Throws: at the first row that does not follow from the one before it.
    func run() async throws -> VerifyTranscript.Answer {
        let replayed: (state: FederationState, head: TranscriptHead)
        do { replayed = try await coordinator.store.replay() } catch let error as TranscriptError {
            throw OperatorError("the transcript is broken at \(error)")
        }
        if coordinator.head == replayed.head, coordinator.state != replayed.state {
            throw OperatorError("the transcript does not lead to the state that is served; restart the coordinator")
        }
        var damaged: [String] = []
        let objects = try await coordinator.store.objectRecords()
        for object in objects where !isWhole(object) {
            // It may have been deleted, in good order, since the list was made.
            if try await coordinator.store.object(object.digest) != nil {
                damaged.append("\(coordinator.store.objects.path(of: object.digest)) is missing or not what it was")
            }
        }
        return VerifyTranscript.Answer(head: replayed.head, objects: objects.count, damaged: damaged)
    }

    private func isWhole(_ object: ObjectRecord) -> Bool {
        coordinator.store.objects.holds(object.reference)
            && SHA256.hex(ofFile: coordinator.store.objects.path(of: object.digest)) == object.digest
    }
}
