package import Federation
import Files
import Foundation

extension CreateRelease {
    package func carryOut(at desk: OperatorDesk) async throws -> Signed<ReleaseCard> {
        let coordinator = desk.coordinator
        let subject = try desk.study(study)
        guard coordinator.state.releases[release] == nil else {
            throw OperatorError("there is a release \(release) already; give another name")
        }
        let card = try ReleaseCard(
            release: release, study: subject, round: round, federation: coordinator.state.name ?? "",
            lockedTestOpenings: coordinator.state.lockedTestOpenings(of: subject), head: coordinator.head,
            now: Timestamp(Date()))
        let signed = try coordinator.signer.sign(card)
        try await coordinator.perform(.createRelease(study: study, card: signed), by: "operator")
        return signed
    }
}

extension ListReleases {
    package func carryOut(at desk: OperatorDesk) async throws -> [Signed<ReleaseCard>] {
        desk.coordinator.state.releases.values
            .sorted { ($0.body.created, $0.body.name) < ($1.body.created, $1.body.name) }.map(\.card)
    }
}

extension JudgeRelease {
    package func carryOut(at desk: OperatorDesk) async throws -> Signed<ReleaseCard> {
        let coordinator = desk.coordinator
        guard let known = coordinator.state.releases[release] else {
            throw OperatorError("there is no release \(release); coordinator release list names them")
        }
        var card = known.body
        card.standing = standing
        let signed = try coordinator.signer.sign(card)
        let command: Command =
            standing == .promoted
            ? .promoteRelease(card: signed) : .holdRelease(card: signed, reason: "held by the operator")
        try await coordinator.perform(command, by: "operator")
        return signed
    }
}

extension ExportModel {
    package func carryOut(at desk: OperatorDesk) async throws -> Answer {
        switch subject {
        case .release(let name):
            guard let release = desk.coordinator.state.releases[name] else {
                throw OperatorError("there is no release \(name); coordinator release list names them")
            }
            let card = try MessageCoding.encode(release.card)
            return try export(release.body.model, ["card.json": card], from: desk)
        case .study(let name):
            let study = try desk.study(name)
            guard let model = study.base ?? study.initial else {
                throw OperatorError("\(name) has no model yet; export it when its first round has begun")
            }
            let status = try MessageCoding.encode(desk.coordinator.state.status(of: name))
            return try export(model, ["plan.yaml": study.planText, "status.json": status], from: desk)
        }
    }

    private func export(_ model: ObjectReference, _ texts: [String: String], from desk: OperatorDesk) throws -> Answer {
        guard folder.hasPrefix("/") else { throw OperatorError("\(folder) is not an absolute path") }
        try FolderCopy.prepare(folder)
        let path = folder + "/model.safetensors"
        try FolderCopy.copy(desk.coordinator.store.objects.path(of: model.digest), to: path)
        for (name, text) in texts {
            try DurableFile.write((text.hasSuffix("\n") ? text : text + "\n").utf8, to: "\(folder)/\(name)")
        }
        return Answer(files: [path] + texts.keys.sorted().map { "\(folder)/\($0)" }, model: model.digest)
    }
}
