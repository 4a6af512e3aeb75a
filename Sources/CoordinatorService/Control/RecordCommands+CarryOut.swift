import Federation
import Foundation
import Glibc
import Transport

extension ServiceStatus {
    package func carryOut(at desk: OperatorDesk) async throws -> Answer {
        guard let service = desk.service else { throw OperatorError("the coordinator does not serve") }
        let state = desk.coordinator.state
        let addresses = desk.enrolment.currentAddresses
        return Answer(
            federation: state.name ?? "", name: desk.configuration.name, software: Software.name, process: getpid(),
            address: addresses.agents.description,
            enrolment: service.gate.isOpen ? addresses.enrolment.description : nil, head: desk.coordinator.head,
            sites: state.sites.count, studies: state.studies.count, connections: service.connections.count,
            certificateExpires: service.certificate.expires)
    }
}

extension VerifyTranscript {
    package func carryOut(at desk: OperatorDesk) async throws -> Answer {
        try await RecordCheck(desk.coordinator).run()
    }
}

extension BackUp {
    package func carryOut(at desk: OperatorDesk) async throws -> Answer {
        guard folder.hasPrefix("/") else { throw OperatorError("\(folder) is not an absolute path") }
        let record = try await BackupFolder(path: folder).fill(from: desk.coordinator.store)
        return Answer(head: record.head, objects: record.objects, bytes: record.bytes)
    }
}
