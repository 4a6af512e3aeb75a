import Federation

/// A database and a folder of objects on a disk that forgets, at a crash, what was not made durable.
struct SimulatedStore {
    struct Row {
        var event: Event
        var time: Timestamp
    }

    private(set) var rows: [Row] = []
    private var unsyncedRows: [Row] = []
    private(set) var objects: Set<String> = []
    private var unsyncedObjects: Set<String> = []
    /// Bytes of uploads that are durable, by name of the upload.
    private(set) var uploads: [String: Int] = [:]
    private var unsyncedUploads: [String: Int] = [:]
    /// Milliseconds that remain of clocks; kept now and then.
    var clocks: [RoundClock: Int64] = [:]

    mutating func append(_ events: [Event], at time: Timestamp) {
        unsyncedRows += events.map { Row(event: $0, time: time) }
    }

    mutating func write(object: String) { unsyncedObjects.insert(object) }

    mutating func delete(object: String) {
        objects.remove(object)
        unsyncedObjects.remove(object)
    }

    mutating func write(upload: String, upTo offset: Int) { unsyncedUploads[upload] = offset }

    func written(upload: String) -> Int { unsyncedUploads[upload] ?? uploads[upload] ?? 0 }

    /// Everything written is durable from here.
    /// - Returns: the rows that became so.
    mutating func sync() -> [Row] {
        let fresh = unsyncedRows
        rows += fresh
        objects.formUnion(unsyncedObjects)
        uploads.merge(unsyncedUploads) { $1 }
        unsyncedRows = []
        unsyncedObjects = []
        unsyncedUploads = [:]
        return fresh
    }

    mutating func crash() {
        unsyncedRows = []
        unsyncedObjects = []
        unsyncedUploads = [:]
    }
}
