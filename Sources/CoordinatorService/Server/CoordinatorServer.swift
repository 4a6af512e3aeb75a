import Federation
import Foundation
import Glibc
import Hummingbird
import Identity
package import Logging
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
        let coordinator = try await Coordinator(
            folder: folder, signingKey: keys.signingKey(),
            means: CoordinatorMeans(
                evaluate: evaluation(), cut: { connections.cut(publicKey: $0) }),
            logger: logger)
        guard let federation = coordinator.state.name else {
            throw OperatorError("\(folder.path) holds no federation; make one with coordinator init")
        }
        let certificate = try ServerCertificate(
            authority: authority, federation: federation, configuration: configuration, logger: logger)
        let enrolment = EnrolmentDesk(coordinator: coordinator, authority: authority, configuration: configuration)
        let gate = enrolmentGate(enrolment, certificate)
        let desk = OperatorDesk(
            coordinator: coordinator, enrolment: enrolment, configuration: configuration,
            service: OperatorDesk.Service(connections: connections, certificate: certificate, gate: gate))
        let bound = Mutex(0)
        let isBound: @Sendable () -> Void = {
            guard bound.withLock({ $0 += 1; return $0 == 2 }) else { return }
            announce("serving \(federation): agents at \(enrolment.currentAddresses.agents)")
        }
        // A socket that a killed process left; whoever holds the lock is the only one to serve here.
        unlink(folder.controlSocket)
        defer { unlink(folder.controlSocket) }
        let services: [any Service] = [
            CoordinatorWork(coordinator: coordinator), certificate, gate,
            try agents(coordinator, enrolment, certificate, authority, connections, isBound),
            try control(desk, isBound),
        ]
        var settings = ServiceGroupConfiguration(
            services: services.map { .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup) },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        settings.maximumGracefulShutdownDuration = .seconds(10)
        try await ServiceGroup(configuration: settings).run()
        try coordinator.store.close()
    }
}

/// The rounds' work as a service.
struct CoordinatorWork: Service {
    let coordinator: Coordinator

    func run() async throws {
        await cancelWhenGracefulShutdown { await coordinator.run() }
    }
}
