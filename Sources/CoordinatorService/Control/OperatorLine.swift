import Federation
import Foundation
import Transport

/// The way from a command to the process that carries it out: the serving one over its control socket, or, when nothing
/// serves and the command may, this one.
package struct OperatorLine: Sendable {
    private let folder: StateFolder
    private let alone: Bool

    /// - Parameter alone: whether this process may take the lock and do it itself when nothing serves.
    package init(folder: StateFolder, alone: Bool) {
        self.folder = folder
        self.alone = alone
    }

    /// - Throws: ``OperatorError``: what the coordinator said, or why it cannot be reached.
    package func send<Command: OperatorCommand>(_ command: Command) async throws -> Command.Answer {
        try folder.check()
        guard folder.controlSocket.utf8.count <= ControlSocket.longestPath else { throw ControlSocket.tooLong(folder) }
        do {
            let body = try JSONEncoder().encode(command)
            let client = HTTPClient(ClientSettings(unixSocket: folder.controlSocket, patience: .seconds(3600)))
            let answer = try await client.send(
                "POST", "/v1/" + Command.name, body: .bytes([UInt8](body)),
                headers: ["content-type": "application/json"], limit: 64 << 20)
            return try answer.decoded(Command.Answer.self)
        } catch let error as TransportError {
            if let problem = error.problem { throw OperatorError(problem.message) }
            guard error.code == .refused || error.code == .unreachable else { throw OperatorError(error.description) }
            return try await carryOutAlone(command)
        }
    }

    private func carryOutAlone<Command: OperatorCommand>(_ command: Command) async throws -> Command.Answer {
        guard alone else {
            throw OperatorError(
                "no coordinator serves \(folder.path); start it with coordinator serve --state \(folder.path)")
        }
        let desk = try await OperatorDesk.alone(folder)
        do {
            let answer = try await command.carryOut(at: desk)
            try desk.coordinator.store.close()
            return answer
        } catch {
            try desk.coordinator.store.close()
            throw error
        }
    }
}

/// What the system asks of the name of a socket.
enum ControlSocket {
    static let longestPath = 100

    static func tooLong(_ folder: StateFolder) -> OperatorError {
        OperatorError(
            "\(folder.controlSocket) is longer than the \(longestPath) bytes a socket's name may have; "
                + "name the folder by a shorter path")
    }
}
