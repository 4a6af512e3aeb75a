import Dispatch
import Foundation
import Synchronization

/// Turns SIGINT and SIGTERM into a question that long work asks between its steps.
///
/// A second signal ends the process at once: files are written whole or not at all, so nothing is lost by it.
/// Unchecked: the sources are made in `init` and only kept; the count is atomic.
final class StopRequest: @unchecked Sendable {
    private final class Count: Sendable {
        let value = Atomic<Int>(0)
    }
    private let asked = Count()
    private var sources: [any DispatchSourceSignal] = []

    init() {
        for number in [SIGINT, SIGTERM] {
            // The source sees signals that are otherwise ignored.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [asked] in
                if asked.value.wrappingAdd(1, ordering: .relaxed).oldValue > 0 { _exit(130) }
            }
            source.resume()
            sources.append(source)
        }
    }

    /// Whether the work should end.
    var isAsked: Bool { asked.value.load(ordering: .relaxed) > 0 }
}
