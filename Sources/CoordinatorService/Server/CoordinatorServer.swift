import Federation
import Foundation
import Identity
package import Logging
import NIOCore
import ServiceLifecycle
import Synchronization
import Transport
import UnixSignals

/// The serving process: three listeners, the rounds' work, and the certificate's renewal, under one group that ends in
/// good order.
package struct CoordinatorServer: Sendable {
    private let folder: StateFolder
    private let configuration: CoordinatorConfiguration
    private let logger: Logger

    package init(folder: StateFolder, configuration: CoordinatorConfiguration, logger: Logger) {
        self.folder = folder
        self.configuration = configuration
        self.logger = logger
    }

    /// Serves until SIGTERM, SIGINT or cancellation.
    /// - Parameter announce: is given one line when everything is bound.
    /// - Throws: ``OperatorError`` and the errors of the store, when it cannot begin.
    package func run(announce: @escaping @Sendable (String) -> Void) async throws {
        guard folder.controlSocket.utf8.count <= ControlSocket.longestPath else { throw ControlSocket.tooLong(folder) }
        let connections = ConnectionRegistry()
        let keys = AuthorityFolder(folder)
        let authority = try keys.authority()
        let evaluator = EvaluatorSlot()
        let coordinator = try await Coordinator(
            folder: folder, signingKey: keys.signingKey(),
            means: CoordinatorMeans(
                evaluate: { work, objects in try await evaluator.get().report(work, objects: objects) },
                cut: { connections.cut(publicKey: $0) }),
            logger: logger, reserve: configuration.reservedBytes)
        guard let federation = coordinator.state.name else {
            throw OperatorError("\(folder.path) holds no federation; make one with coordinator init")
        }
        evaluator.set(
            Evaluator(
                federation: federation, sets: configuration.evaluation, folder: folder.path + "/evaluation",
                cache: folder.path + "/prepared"))
        let certificate = try ServerCertificate(
            authority: authority, federation: federation, configuration: configuration, logger: logger)
        let enrolment = EnrolmentDesk(coordinator: coordinator, authority: authority, configuration: configuration)
        let gate = enrolmentGate(enrolment, certificate)
        let desk = OperatorDesk(
            coordinator: coordinator, enrolment: enrolment, configuration: configuration,
            service: OperatorDesk.Service(
                connections: connections, certificate: certificate, gate: gate, evaluator: evaluator))
        let bound = Mutex(0)
        let isBound: @Sendable () -> Void = {
            let isLast = bound.withLock { count in
                count += 1
                return count == 2
            }
            if isLast { announce("serving \(federation): agents at \(enrolment.currentAddresses.agents)") }
        }
        let services: [any Service] = [
            CoordinatorWork(coordinator: coordinator), certificate, gate,
            agents(coordinator, enrolment, certificate, authority, connections, isBound),
            WaitingQuestions(coordinator: coordinator), control(desk, isBound),
        ]
        var settings = ServiceGroupConfiguration(
            services: services.map { .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup) },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        settings.maximumGracefulShutdownDuration = .seconds(10)
        try await ServiceGroup(configuration: settings).run()
        try coordinator.store.close()
    }
}

extension CoordinatorServer {
    private func agents(
        _ coordinator: Coordinator, _ enrolment: EnrolmentDesk, _ certificate: ServerCertificate,
        _ authority: Authority, _ connections: ConnectionRegistry, _ isBound: @escaping @Sendable () -> Void
    ) -> Listener {
        var limits = timeLimits
        limits.connections = configuration.connections
        limits.connectionsPerPeer = configuration.connectionsPerSite
        limits.connectionsPerAddress = configuration.connectionsPerAddress
        return Listener(
            address: .tcp(host: configuration.listen.host, port: configuration.listen.port),
            tls: ServerTLS(identity: certificate.identity, clients: .certified(root: authority.root)),
            router: AgentsAPI(coordinator) { (request, site) async throws(Problem) in
                try await enrolment.renew(request, site: site)
            }.router(), limits: limits,
            registry: connections, logger: logger
        ) { port in
            enrolment.bound(agents: port)
            isBound()
        }
    }

    /// How long and how slow a connection may be.
    private var timeLimits: ServerLimits {
        var limits = ServerLimits()
        limits.handshake = .seconds(Int64(configuration.handshakeTime))
        limits.headTime = .seconds(Int64(configuration.headTime))
        limits.idle = .seconds(Int64(configuration.idleTime))
        limits.writeStall = .seconds(Int64(configuration.stallTime))
        limits.bodyRate = configuration.bodyRate
        return limits
    }

    private func control(_ desk: OperatorDesk, _ isBound: @escaping @Sendable () -> Void) -> Listener {
        Listener(
            address: .unix(path: folder.controlSocket), tls: nil,
            router: ControlRoutes(desk: desk, logger: logger).router(), logger: logger
        ) { _ in isBound() }
    }

    private func enrolmentGate(_ desk: EnrolmentDesk, _ certificate: ServerCertificate) -> EnrolmentGate {
        let (logger, listen, times) = (logger, configuration.enrolmentListen, timeLimits)
        return EnrolmentGate(desk: desk, logger: logger) { onBound in
            var limits = times
            limits.connections = 100
            limits.connectionsPerAddress = 16
            return Listener(
                address: .tcp(host: listen.host, port: listen.port),
                tls: ServerTLS(identity: certificate.identity, clients: .anonymous),
                router: EnrolmentRoutes(desk: desk, logger: logger).router(), limits: limits, logger: logger,
                onBound: onBound)
        }
    }
}

/// The evaluator, which is made once the record has told the federation's name.
final class EvaluatorSlot: Sendable {
    private let evaluator = Mutex<Evaluator?>(nil)

    func set(_ new: Evaluator) { evaluator.withLock { $0 = new } }

    func get() throws(EvaluationError) -> Evaluator {
        guard let evaluator = evaluator.withLock({ $0 }) else {
            throw EvaluationError("The coordinator does not serve yet")
        }
        return evaluator
    }
}

/// Ends what would hold the agents' listener open. It stands behind it, for services are told from the last to the first.
struct WaitingQuestions: Service {
    let coordinator: Coordinator

    func run() async throws {
        try? await gracefulShutdown()
        coordinator.endWaiting()
    }
}

/// The rounds' work as a service.
struct CoordinatorWork: Service {
    let coordinator: Coordinator

    func run() async throws {
        await cancelWhenGracefulShutdown { await coordinator.run() }
    }
}
