import Federation
import Foundation
package import Identity
import Synchronization
import Transport

/// Where operators' commands are carried out: in the serving process, or in one that holds the lock itself.
package final class OperatorDesk: Sendable {
    /// What only a serving process has.
    struct Service: Sendable {
        let connections: ConnectionRegistry
        let certificate: ServerCertificate
        let gate: EnrolmentGate
        let evaluator: EvaluatorSlot
    }

    package let coordinator: Coordinator
    let enrolment: EnrolmentDesk
    let configuration: CoordinatorConfiguration
    let service: Service?

    init(
        coordinator: Coordinator, enrolment: EnrolmentDesk, configuration: CoordinatorConfiguration, service: Service?
    ) {
        self.coordinator = coordinator
        self.enrolment = enrolment
        self.configuration = configuration
        self.service = service
    }

    /// A desk of a coordinator that serves nobody.
    package convenience init(coordinator: Coordinator, authority: Authority, configuration: CoordinatorConfiguration) {
        let enrolment = EnrolmentDesk(coordinator: coordinator, authority: authority, configuration: configuration)
        self.init(coordinator: coordinator, enrolment: enrolment, configuration: configuration, service: nil)
    }

    /// Opens a state folder that no process serves.
    package static func alone(_ folder: StateFolder) async throws -> OperatorDesk {
        let configuration = try CoordinatorConfiguration(folder: folder)
        return OperatorDesk(
            coordinator: try await Coordinator.idle(folder), authority: try AuthorityFolder(folder).authority(),
            configuration: configuration)
    }

    /// Connections of a site that are open now.
    func connections(of site: Site) -> Int {
        guard let service else { return 0 }
        return site.publicKeys.reduce(0) { $0 + service.connections.count(publicKey: $1) }
    }

    /// A study there is.
    func study(_ name: String) throws -> Study {
        guard let study = coordinator.state.studies[name] else {
            throw OperatorError("there is no study \(name); coordinator study status lists them")
        }
        return study
    }
}
