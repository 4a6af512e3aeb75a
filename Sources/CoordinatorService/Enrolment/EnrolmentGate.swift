import Federation
import Foundation
import Hummingbird
import Logging
import ServiceLifecycle
import Synchronization
import Transport

/// The enrolment listener, which is bound only while a code is outstanding or one is about to be made.
final class EnrolmentGate: Service {
    private struct State {
        /// Commands that are about to make a code.
        var expected = 0
        var port: Int?
        /// Why it could not be bound when it was last tried.
        var problem: String?
        var isStopping = false
    }

    private let desk: EnrolmentDesk
    private let listener: @Sendable (_ onBound: @escaping @Sendable (Int) -> Void) -> Listener
    private let logger: Logger
    private let state = Mutex(State())

    init(
        desk: EnrolmentDesk, logger: Logger,
        listener: @escaping @Sendable (_ onBound: @escaping @Sendable (Int) -> Void) -> Listener
    ) {
        self.desk = desk
        self.logger = logger
        self.listener = listener
    }

    var isOpen: Bool { state.withLock { $0.port != nil } }

    /// Opens the listener before a code names its port, and keeps it open until the body has returned.
    func whileOpen<T>(_ body: () async throws -> T) async throws -> T {
        state.withLock { state in
            state.expected += 1
            state.problem = nil
        }
        defer {
            state.withLock { $0.expected -= 1 }
            desk.changes.announce()
        }
        let start = ContinuousClock.now
        repeat {
            desk.changes.announce()
            let version = desk.changes.version
            let (isOpen, problem) = state.withLock { ($0.port != nil, $0.problem) }
            if isOpen { return try await body() }
            if let problem { throw OperatorError(problem) }
            await desk.changes.wait(past: version, atMost: .seconds(1))
            try Task.checkCancellation()
        } while start.duration(to: .now) < .seconds(20)
        throw OperatorError("the enrolment listener does not open; look at the log of coordinator serve")
    }

    func run() async throws {
        await withGracefulShutdownHandler {
            while !Task.isCancelled, !state.withLock({ $0.isStopping }) {
                let version = desk.changes.version
                if await isNeeded() {
                    await serve()
                } else {
                    // Codes end by the clock, too.
                    await desk.changes.wait(past: version, atMost: .seconds(30))
                }
            }
        } onGracefulShutdown: {
            self.state.withLock { $0.isStopping = true }
            self.desk.changes.announce()
        }
    }

    private func isNeeded() async -> Bool {
        let (isExpected, isStopping) = state.withLock { ($0.expected > 0, $0.isStopping) }
        if isExpected || isStopping { return !isStopping }
        do {
            try await desk.endUsedCodes()
            return try await desk.hasOpenCode()
        } catch {
            logger.error("The enrolment codes cannot be read: \(error)")
            return false
        }
    }

    /// Serves until no code is outstanding any more.
    private func serve() async {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .notice)
        do {
            let listener = listener { port in
                self.desk.bound(enrolment: port)
                self.state.withLock { $0.port = port }
                self.desk.changes.announce()
                self.logger.info("Sites can enrol", metadata: ["port": "\(port)"])
            }
            let group = ServiceGroup(
                configuration: .init(
                    services: [.init(service: listener, successTerminationBehavior: .gracefullyShutdownGroup)],
                    logger: quiet))
            try await withThrowingTaskGroup { tasks in
                tasks.addTask { try await group.run() }
                tasks.addTask {
                    while await self.isNeeded(), !Task.isCancelled {
                        let version = self.desk.changes.version
                        await self.desk.changes.wait(past: version, atMost: .seconds(1))
                    }
                    // Who asks from now on waits for the next listener.
                    self.state.withLock { $0.port = nil }
                    await group.triggerGracefulShutdown()
                }
                // The listener ends first when it cannot be bound.
                try await tasks.next()
                try await tasks.next()
            }
            state.withLock { $0.port = nil }
            logger.info("No code is outstanding: the enrolment listener is closed")
        } catch {
            state.withLock { $0.port = nil }
            guard !Task.isCancelled else { return }
            let problem = "the enrolment listener cannot be bound (\(error)); free its port, or change enrolment.listen"
            state.withLock { $0.problem = problem }
            logger.error("\(problem)")
            desk.changes.announce()
            try? await Task.sleep(for: .seconds(2))
        }
    }
}
