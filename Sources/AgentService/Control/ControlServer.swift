import Foundation
import Synchronization

/// Answers `agent status`, `approve` and `refuse` while the agent runs.
///
/// It has a thread of its own: a command is answered however busy the agent is.
package final class ControlServer: Sendable {
    /// Longest request, in bytes.
    private static let limit = 16_384
    private let path: String
    private let ended = Atomic<Bool>(false)

    /// - Throws: if the socket cannot be made.
    package init(_ path: String, answer: @escaping @Sendable (ControlRequest) -> ControlAnswer) throws {
        self.path = path
        let socket = Mutex<UnixSocket?>(try UnixSocket.listening(at: path))
        let thread = Thread { [self] in
            guard let socket = socket.withLock({ $0.take() }) else { return }
            while !ended.load(ordering: .relaxed) {
                guard let peer = socket.accepted(seconds: 1), peer.isOurs,
                    let line = peer.line(limit: Self.limit, seconds: 5)
                else { continue }
                let reply: ControlAnswer
                if let request = try? JSONDecoder().decode(ControlRequest.self, from: line) {
                    reply = answer(request)
                } else {
                    reply = ControlAnswer(error: "the command is not known to the agent that runs; update it")
                }
                _ = (try? JSONEncoder().encode(reply)).map { peer.write(line: $0) }
            }
        }
        thread.name = "control"
        thread.start()
    }

    /// Takes the socket away.
    package func end() {
        ended.store(true, ordering: .relaxed)
        unlink(path)
    }
}

/// Asks the agent that runs.
package enum ControlClient {
    /// - Returns: nil if none runs.
    package static func ask(_ request: ControlRequest, at path: String) throws -> ControlAnswer? {
        guard let socket = UnixSocket.connected(to: path) else { return nil }
        guard socket.write(line: try JSONEncoder().encode(request)),
            let line = socket.line(limit: 1 << 26, seconds: 30),
            let answer = try? JSONDecoder().decode(ControlAnswer.self, from: line)
        else { throw AgentError(.state, "the agent did not answer at \(path); look at its log, or restart it") }
        return answer
    }
}
