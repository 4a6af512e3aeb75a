import Cryptography
package import Federation
import Foundation
import Identity
import Transport

/// Released models a site keeps: `releases/<name>/{model.safetensors,card.json}`, for use without a network.
package enum Releases {
    /// A release that lies here.
    package struct Kept: Sendable {
        package let card: ReleaseCard
        /// Path of the model.
        package let model: String
    }

    /// Names of what lies here.
    package static func names(in folder: StateFolder) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.releases)) ?? []
        return names.filter { Name.isValid($0) && FileManager.default.fileExists(atPath: card($0, folder)) }.sorted()
    }

    /// A kept release whose card and model were verified just now.
    /// - Throws: when it is not there, the card is not the coordinator's, or the model is not the card's.
    package static func verified(_ name: String, in folder: StateFolder) throws -> Kept {
        guard Name.isValid(name), let signed = try JSONFile.read(Signed<ReleaseCard>.self, from: card(name, folder))
        else {
            throw AgentError(
                .usage, "there is no release \(name) in \(folder.releases); `agent releases` lists what is")
        }
        guard let record = try JSONFile.read(FederationRecord.self, from: folder.federation) else {
            throw AgentError(.identity, "\(folder.path) belongs to no federation, so no card can be believed")
        }
        guard let body = try? signed.verified(by: VerifyingKey(hex: record.coordinatorKey)), body.name == name else {
            throw AgentError(
                .untrusted, "the card of \(name) is not signed by this federation's coordinator; do not use it")
        }
        let model = model(name, folder)
        guard SHA256.hex(ofFile: model) == body.model.digest else {
            throw AgentError(
                .untrusted, "\(model) is not the model of its card; remove \(folder.release(name)) to fetch it anew")
        }
        return Kept(card: body, model: model)
    }

    /// A kept release that may be used: verified, and not held by the coordinator.
    package static func usable(_ name: String, in folder: StateFolder) throws -> Kept {
        let kept = try verified(name, in: folder)
        guard kept.card.standing != .held else {
            throw AgentError(.usage, "the release \(name) is held by the coordinator: it must not be used")
        }
        return kept
    }

    static func model(_ name: String, _ folder: StateFolder) -> String { folder.release(name) + "/model.safetensors" }
    static func card(_ name: String, _ folder: StateFolder) -> String { folder.release(name) + "/card.json" }
}

/// Which releases are fetched, and their fetching.
struct ReleaseShelf: Sendable {
    let around: Surroundings

    /// Cards whose models are to be fetched by policy and are not there; cards that changed are replaced at once.
    func wanted(_ cards: [Signed<ReleaseCard>]) -> [(Signed<ReleaseCard>, ReleaseCard)] {
        cards.compactMap { signed in
            guard let card = try? signed.verified(by: around.identity.coordinatorKey), Name.isValid(card.name),
                Name.isDigest(card.model.digest), card.federation == around.record.federation
            else {
                around.narrator.say("WARNING: a release's card is not signed by the coordinator", on: "release")
                return nil
            }
            if let kept = kept(card.name), kept.unverified?.model == card.model {
                refresh(kept, signed, card)
                return nil
            }
            guard isLetIn(card) else { return nil }
            return (signed, card)
        }
    }

    private func kept(_ name: String) -> Signed<ReleaseCard>? {
        (try? JSONFile.read(Signed<ReleaseCard>.self, from: Releases.card(name, around.folder))) ?? nil
    }

    private func refresh(_ kept: Signed<ReleaseCard>, _ signed: Signed<ReleaseCard>, _ card: ReleaseCard) {
        guard kept != signed, (try? JSONFile.write(signed, to: Releases.card(card.name, around.folder))) != nil else {
            return
        }
        if card.standing == .held, kept.unverified?.standing != .held {
            around.narrator.say(
                "WARNING: the release \(card.name) is held by the coordinator; stop using it",
                on: "release \(card.name)")
        }
    }

    /// Whether the policy wants it at all.
    func isWanted(_ card: ReleaseCard) -> Bool {
        switch around.configuration.releases {
        case .none: false
        case .promoted: card.standing == .promoted
        case .all: card.standing != .held
        }
    }

    private func isLetIn(_ card: ReleaseCard) -> Bool {
        guard isWanted(card) else { return false }
        if let word = around.site.memory.releases[card.name] { return word == card.model.digest }
        if around.isAutomatic(around.configuration.approve.release) { return true }
        around.narrator.say(
            "the release \(card.name) waits for you: "
                + "`agent approve \(Site.release(card.name, model: card.model.digest))` or refuse it",
            on: "release \(card.name)")
        return false
    }

    /// Until it lies there, verified; the card is put beside it last of all.
    func fetch(_ signed: Signed<ReleaseCard>, _ card: ReleaseCard, over link: any CoordinatorLink) async {
        let matter = "release \(card.name)"
        do {
            try FileManager.default.createDirectory(
                atPath: around.folder.release(card.name), withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            try await around.withinHours(matter) {
                try await link.fetch(card.model, to: Releases.model(card.name, around.folder), progress: { _ in }) {
                    error in
                    around.narrator.say("\(matter): \(error.description); trying again", on: matter)
                }
            }
            try JSONFile.write(signed, to: Releases.card(card.name, around.folder))
            around.narrator.say(
                "the release \(card.name) is here (\(card.standing.rawValue)); see `agent releases`", on: matter)
        } catch {
            // Asked for again with the next answer.
            if !Task.isCancelled { around.narrator.say("\(matter): \(error)", on: matter) }
        }
    }
}
