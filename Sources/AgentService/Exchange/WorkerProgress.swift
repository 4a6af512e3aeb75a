package import Federation

/// How far the worker is: `progress.json`, replaced as it goes on.
package struct WorkerProgress: Codable, Sendable, Equatable {
    package var phase: Activity.Phase
    /// Steps or cases done, and how many there are.
    package var done: Int
    package var total: Int
    /// The last step's loss and, in pretraining, its parts.
    package var loss: String?
    /// What the site's own people should know of its data, one sentence each; it never leaves.
    package var notes: [String]?

    package init(phase: Activity.Phase, done: Int, total: Int, loss: String? = nil, notes: [String]? = nil) {
        self.phase = phase
        self.done = done
        self.total = total
        self.loss = loss
        self.notes = notes
    }
}
