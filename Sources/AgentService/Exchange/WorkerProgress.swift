package import Federation

/// How far the worker is: `progress.json`, replaced as it goes on.
package struct WorkerProgress: Codable, Sendable, Equatable {
    package var phase: Activity.Phase
    /// Steps or cases done, and how many there are.
    package var done: Int
    package var total: Int

    package init(phase: Activity.Phase, done: Int, total: Int) {
        self.phase = phase
        self.done = done
        self.total = total
    }
}
