import Foundation
import Synchronization

/// One client, one server, and four threads that carry bytes between them: a reader and a writer each way, so that a
/// delay takes nothing from the bandwidth.
final class Connection: Sendable {
    private let client: Int32
    private let server: Int32
    private let line: Line
    /// Threads that still use the sockets.
    private let threads = Mutex(4)

    init(client: Int32, server: Int32, _ line: Line) {
        self.client = client
        self.server = server
        self.line = line
    }

    func start() {
        line.adds(self)
        carry(from: client, to: server, .up)
        carry(from: server, to: client, .down)
    }

    /// RST to both sides. The descriptors are closed when the last thread has ended.
    func cut() {
        threads.withLock { running in
            guard running > 0 else { return }
            for descriptor in [client, server] {
                Socket.resetWhenClosed(descriptor)
                shutdown(descriptor, Int32(SHUT_RD))
            }
            // Connecting a TCP socket to AF_UNSPEC sends RST at once, while other threads still hold the descriptor.
            var nowhere = sockaddr()
            nowhere.sa_family = sa_family_t(AF_UNSPEC)
            for descriptor in [client, server] {
                connect(descriptor, &nowhere, socklen_t(MemoryLayout<sockaddr>.size))
            }
        }
    }

    private func carry(from source: Int32, to target: Int32, _ direction: Faults.Direction) {
        let queue = PieceQueue()
        Thread.detachNewThread { [self] in
            while true {
                line.waitsOutHole()
                let faults = line.faults
                let bytes = Socket.receive(source, most: faults.bytesPerSecond > 0 ? 4 << 10 : 64 << 10)
                guard queue.push(bytes, due: .now + faults.delay), !bytes.isEmpty else { break }
            }
            finished()
        }
        Thread.detachNewThread { [self] in
            pass(queue, to: target, direction)
            queue.close()
            finished()
        }
    }

    private func pass(_ queue: PieceQueue, to target: Int32, _ direction: Faults.Direction) {
        while let (bytes, due) = queue.pop() {
            line.sleep(due)
            line.waitsOutHole()
            if bytes.isEmpty {
                shutdown(target, Int32(SHUT_WR))
                return
            }
            line.paces(bytes.count, direction)
            switch line.passage(of: bytes.count, direction) {
            case .passes(let count):
                guard Socket.send(bytes.prefix(count), to: target) else { return cut() }
            case .cut(let count, .reset):
                _ = Socket.send(bytes.prefix(count), to: target)
                return cut()
            case .cut(let count, .halfClose):
                _ = Socket.send(bytes.prefix(count), to: target)
                shutdown(target, Int32(SHUT_WR))
                return
            }
        }
    }

    private func finished() {
        let isLast = threads.withLock { running in
            running -= 1
            return running == 0
        }
        guard isLast else { return }
        line.removes(self)
        close(client)
        close(server)
    }
}

/// Pieces on their way, at most 4 MiB of them.
final class PieceQueue: Sendable {
    private struct State {
        var pieces: [(bytes: [UInt8], due: ContinuousClock.Instant)] = []
        var bytes = 0
        var isClosed = false
    }

    private let state = Mutex(State())
    private let filled = DispatchSemaphore(value: 0)

    /// Waits for room; false when nobody reads any more.
    func push(_ piece: [UInt8], due: ContinuousClock.Instant) -> Bool {
        while true {
            let (isClosed, hasRoom) = state.withLock { ($0.isClosed, $0.bytes < 4 << 20) }
            if isClosed { return false }
            if hasRoom { break }
            usleep(1000)
        }
        state.withLock {
            $0.pieces.append((piece, due))
            $0.bytes += piece.count
        }
        filled.signal()
        return true
    }

    /// The next piece; an empty one is the end of the stream.
    func pop() -> (bytes: [UInt8], due: ContinuousClock.Instant)? {
        filled.wait()
        return state.withLock {
            guard !$0.isClosed, !$0.pieces.isEmpty else { return nil }
            let piece = $0.pieces.removeFirst()
            $0.bytes -= piece.bytes.count
            return piece
        }
    }

    func close() { state.withLock { $0.isClosed = true } }
}
